"""A small run with one problem of each kind that the viewer tells apart, and hostile text in it."""

from validation.tests.run_files import CODE, RunFile

EVIL = "<script>document.title='broken'</script><img src=http://127.0.0.1:9/x onerror=alert(1)>"


def example(path):
    """Right and sure; wrong and with failed code; a tie; cut by the deadline; no truth."""
    file = RunFile(candidates=3)
    file.votes("easy", -1, [999, 999, 999], 999)
    file.problem("code", 7)
    file.candidate(0, (CODE.format(1), "boom", "raised"), r"\boxed{6}", answer=6)
    file.candidate(
        1, (f"{EVIL}\n{CODE.format(EVIL)}", EVIL), rf"{EVIL} $x<3$ \boxed{{6}}", answer=6
    )
    file.candidate(2, r"\boxed{7}", answer=7)
    file.solution(6)
    file.votes("tie", 5, [5, 5, 4, 4], 5)
    file.problem("late", 3)
    file.candidate(0, r"\boxed{3}", answer=3)
    file.stop(1, "deadline")
    file.solution(3, ended="deadline")
    file.votes("unknown", None, [1, 1, 2], 1, seed=4)
    return file.save(path)
