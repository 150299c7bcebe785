"""The page in a real headless Chromium: filters, candidates, formulas, no request, no error."""

import json
import shutil

import pytest

from validation.runs.records import read_run
from validation.tests.run_files import CODE, RunFile
from validation.viewer.tests.viewed_run import EVIL, example
from validation.viewer.view import write_page

BINARY = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,900",
]

pytestmark = pytest.mark.skipif(
    not (BINARY and DRIVER), reason="needs chromium and chromedriver (apt: chromium-driver)"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BINARY
    for switch in [*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


def requests(browser, page):
    """Return the addresses that a page has asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    # The browser's own first tab, and pictures of its own controls, are none of the page's.
    addresses = [params["request"]["url"] for params in sent if params["documentURL"] == page]
    return [address for address in addresses if not address.startswith("chrome://resources/")]


@pytest.fixture
def opened(browser, tmp_path):
    run = read_run(example(tmp_path / "r.jsonl"))
    path = write_page(run, tmp_path / "r.html")
    browser.get(path.as_uri())
    yield browser
    asked = set(requests(browser, path.as_uri()))
    assert path.as_uri() in asked and asked <= {path.as_uri(), "data:,"}
    assert browser.get_log("browser") == []


def select(browser, css):
    return browser.find_elements("css selector", css)


def shown(browser):
    visible = [solve for solve in select(browser, "details.solve") if solve.is_displayed()]
    return [solve.find_element("class name", "id").text.split()[0] for solve in visible]


def press(browser, css):
    (button,) = select(browser, css)
    button.click()


def open_solve(browser, number):
    from selenium.webdriver.support.wait import WebDriverWait

    solve = select(browser, "details.solve")[number]
    solve.find_element("css selector", "summary").click()
    find = ("css selector", "details.candidate")
    WebDriverWait(browser, 30).until(lambda _: solve.find_elements(*find))
    return solve.find_elements(*find)


def test_filters_show_what_they_say_and_combine(opened):
    assert shown(opened) == ["easy", "code", "tie", "late", "unknown"]
    press(opened, "[data-filter=wrong]")
    assert shown(opened) == ["code"]
    press(opened, "[data-filter=undecided]")
    assert shown(opened) == [] and select(opened, "#none")[0].is_displayed()
    press(opened, "[data-filter=wrong]")
    assert shown(opened) == ["tie", "late"]
    assert select(opened, "#shown")[0].text == "2 of 5 shown"
    press(opened, "[data-filter=undecided]")
    press(opened, "[data-filter=failed]")
    assert shown(opened) == ["code"]
    press(opened, "[data-filter=failed]")
    assert select(opened, "#shown")[0].text == "5 of 5 shown"


def test_the_least_sure_come_first_when_asked_for_and_go_back(opened):
    press(opened, "[data-order]")
    assert shown(opened) == ["tie", "late", "code", "unknown", "easy"]
    press(opened, "[data-order]")
    assert shown(opened) == ["easy", "code", "tie", "late", "unknown"]


def test_a_candidate_opens_with_its_rounds(opened):
    assert select(opened, "details.candidate") == []
    first, *rest = open_solve(opened, 1)
    assert len(rest) == 2
    first.find_element("css selector", "summary").click()
    for text in ("round 1", "print(1)", "raised", "boom", "round 2", "10 tokens"):
        assert text in first.text
    tally = select(opened, ".tally tr")
    assert [row.text.split()[:2] for row in tally] == [["6", "2"], ["7", "1"]]
    wide, narrow = (row.find_element("tag name", "i").size["width"] for row in tally)
    assert wide == pytest.approx(2 * narrow, rel=0.1)


def test_a_script_in_a_completion_is_text_and_never_runs(opened):
    _, hostile, _ = open_solve(opened, 1)
    hostile.find_element("css selector", "summary").click()
    assert hostile.text.count(EVIL) == 4  # twice prose, code, output
    assert opened.title.endswith("r.jsonl")
    assert select(opened, "img") == []


def test_formulas_are_drawn_and_their_source_can_be_read(opened):
    _, candidate, _ = open_solve(opened, 1)
    candidate.find_element("css selector", "summary").click()
    drawn = candidate.find_element("css selector", "math")
    assert drawn.is_displayed() and drawn.size["width"] > 10
    press(opened, "[data-source]")
    assert not drawn.is_displayed() and "$x<3$" in candidate.text


def test_markup_that_slipped_through_could_still_not_run(browser, tmp_path):
    """The page's policy stands behind the escaping."""
    path = write_page(read_run(example(tmp_path / "r.jsonl")), tmp_path / "r.html")
    browser.get(path.as_uri())
    browser.execute_script(
        "document.querySelector('main').insertAdjacentHTML('beforeend',"
        ' \'<img src="http://127.0.0.1:9/" onerror="document.title=1">\')'
    )
    complaints = " ".join(entry["message"] for entry in browser.get_log("browser"))
    assert "violates" in complaints and "img-src" in complaints
    assert browser.title != "1"
    # What the page is seen to ask for is seen: this one was asked for, and refused.
    assert "http://127.0.0.1:9/" in requests(browser, path.as_uri())


def test_fifty_problems_of_48_candidates_stay_usable(browser, tmp_path):
    file = RunFile(candidates=48)
    text = "Then $x_{%d}^2 = \\frac{%d}{7}$ holds. " * 20
    for n in range(50):
        file.problem(f"p{n}", n % 2)
        for index in range(48):
            prose = text % tuple((n * 48 + index) % 91 for _ in range(40))
            file.candidate(index, (f"{prose}\n{CODE.format(1)}", "1"), r"\boxed{1}", answer=1)
        file.solution(1)
    path = write_page(read_run(file.save(tmp_path / "large.jsonl")), tmp_path / "large.html")
    assert path.stat().st_size < 12e6
    browser.get(path.as_uri())
    assert len(shown(browser)) == 50
    # Unpacked is only what was opened, so the page starts with few elements.
    assert len(select(browser, "body *")) < 2500
    assert len(open_solve(browser, 30)) == 48
    press(browser, "[data-filter=wrong]")
    assert len(shown(browser)) == 25
