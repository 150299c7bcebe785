"""Families of word problems on money, percent and averages."""

import math

from training.data.families.family import Case, Draw, case, family
from training.data.families.working import adding, listed


@family(
    ask=(
        "<who> buys $<n>$ <things> for $<a>$ dollars each and $<m>$ bags for $<b>$ dollars each. "
        "How many dollars are left of $<h>$?",
        "A shop sells <things> at $<a>$ dollars and bags at $<b>$ dollars. <who> has $<h>$ "
        "dollars and takes $<n>$ <things> and "
        "$<m>$ bags. How much money is left?",
        "With $<h>$ dollars <who> pays for $<n>$ <things> ($<a>$ dollars each) and $<m>$ bags "
        "($<b>$ dollars each). What is the change?",
        "<who> pays $<n>$ times $<a>$ dollars and $<m>$ times $<b>$ dollars out of a purse with "
        "$<h>$ dollars. What remains?",
    ),
    plan=("We subtract both costs from the money.",),
    code=(
        "money = <h>\ncost = <n> * <a> + <m> * <b>\nprint(money - cost)",
        "print(<h> - <n> * <a> - <m> * <b>)",
    ),
    result="the money left",
)
def change(d: Draw) -> Case:
    """Money left after shopping."""
    n, a, m, b = d.number(2, 15), d.number(2, 20), d.number(2, 9), d.number(2, 30)
    x, y, left = n * a, m * b, d.upto(1, 60, 500)
    steps = [
        f"{n} * {a} = {x}",
        f"{m} * {b} = {y}",
        f"{x} + {y} = {x + y}",
        f"{x + y + left} - {x + y} = {left}",
    ]
    return case(left, steps, n=n, a=a, m=m, b=b, h=x + y + left, who=d.person(), things=d.thing())


@family(
    ask=(
        "<who> makes $<n>$ <things> a day, keeps $<k>$ of them and sells the rest for $<p>$ "
        "dollars each. How many dollars is that "
        "in $<t>$ days?",
        "Every day <who> gets $<n>$ <things>, gives away $<k>$ and sells the others at $<p>$ "
        "dollars apiece. How much money comes in "
        "during $<t>$ days?",
        "A stall receives $<n>$ <things> each morning. $<k>$ are broken; the rest are sold for "
        "$<p>$ dollars each. How much does it "
        "take in $<t>$ days?",
    ),
    plan=("We find the money of one day and multiply by the days.",),
    code=(
        "sold = <n> - <k>\nper_day = sold * <p>\nprint(per_day * <t>)",
        "print((<n> - <k>) * <p> * <t>)",
        "total = 0\nfor day in range(<t>):\n    total += (<n> - <k>) * <p>\nprint(total)",
    ),
    result="the money in dollars",
)
def daily_sales(d: Draw) -> Case:
    """Money from sales over several days."""
    n, k, p, t = d.number(12, 60), d.number(2, 10), d.number(2, 9), d.upto(2, 9, 60)
    x, y = n - k, (n - k) * p
    steps = [f"{n} - {k} = {x}", f"{x} * {p} = {y}", f"{y} * {t} = {y * t}"]
    return case(y * t, steps, n=n, k=k, p=p, t=t, who=d.person(), things=d.thing())


@family(
    ask=(
        "What is $<p>\\%$ of $<n>$?",
        "A school has $<n>$ pupils. $<p>\\%$ of them come by bus. How many are that?",
        "Find $<p>$ percent of $<n>$.",
        "Of $<n>$ <things>, $<p>$ percent are red. How many are red?",
        "<who> has read $<p>$ percent of a book with $<n>$ pages. How many pages is that?",
    ),
    plan=("We take $<p>$ hundredths of $<n>$.",),
    code=(
        "print(<p> * <n> // 100)",
        "share = <p> / 100\nprint(round(share * <n>))",
        "from fractions import Fraction\nprint(Fraction(<p>, 100) * <n>)",
    ),
    result="the number",
)
def percent_of(d: Draw) -> Case:
    """A percentage of a number."""
    p = d.number(1, 19) * 5
    n = 20 * d.upto(2, 30, 200)
    return case(
        p * n // 100,
        [f"{p} * {n} = {p * n}", f"{p * n} / 100 = {p * n // 100}"],
        p=p,
        n=n,
        things=d.thing(),
        who=d.person(),
    )


@family(
    ask=(
        "A price of $<n>$ dollars rises by $<p>\\%$ and then falls by $<q>\\%$. What is it then, "
        "in dollars?",
        "<who> raises a price of $<n>$ dollars by $<p>$ percent and later lowers the new price by "
        "$<q>$ percent. What is the last price?",
        "A town of $<n>$ people grows by $<p>$ percent in one year and shrinks by $<q>$ percent "
        "in the next. How many people live there then?",
        "A number $<n>$ is increased by $<p>$ percent, and the result is decreased by $<q>$ "
        "percent. What comes out?",
    ),
    plan=("We change the value step by step; the second percentage is of the new value.",),
    code=(
        "value = <n> * (100 + <p>) // 100\nvalue = value * (100 - <q>) // 100\nprint(value)",
        "from fractions import Fraction\n"
        "print(<n> * Fraction(100 + <p>, 100) * Fraction(100 - <q>, 100))",
    ),
    result="the final value",
)
def percent_change(d: Draw) -> Case:
    """A value that rises and falls by percentages."""
    p, q = d.pick(5, 10, 20, 25, 30, 40, 50), d.pick(5, 10, 15, 20, 25, 30, 40, 50, 60)
    unit = 10000 // math.gcd(10000, (100 + p) * (100 - q))
    n = math.lcm(unit, 100) * d.upto(1, 6, 40)
    x = n * (100 + p) // 100
    y = x * (100 - q) // 100
    steps = [f"{n} * {100 + p} / 100 = {x}", f"{x} * {100 - q} / 100 = {y}"]
    return case(y, steps, n=n, p=p, q=q, who=d.person())


@family(
    ask=(
        "<who> has $<a>$ dollars and saves $<b>$ a week; <whom> has $<c>$ dollars and saves $<e>$ "
        "a week. After how many weeks do "
        "they have the same?",
        "One tank holds $<a>$ liters and gains $<b>$ liters an hour, another holds $<c>$ liters "
        "and gains $<e>$. In how many hours "
        "are they equally full?",
        "<who> starts with $<a>$ points and wins $<b>$ each round, <whom> starts with $<c>$ and "
        "wins $<e>$. After how many rounds are "
        "they equal?",
    ),
    plan=("The difference shrinks by the same amount each time.",),
    code=(
        "a, c, weeks = <a>, <c>, 0\nwhile a != c:\n    a += <b>\n    c += <e>\n    weeks += 1\n"
        "print(weeks)",
        "print((<a> - <c>) // (<e> - <b>))",
        "from sympy import symbols, solve\nt = symbols('t')\n"
        "print(solve(<a> + <b>*t - <c> - <e>*t, t)[0])",
    ),
    result="the number",
)
def catching_up(d: Draw) -> Case:
    """When two that grow at different speeds are equal."""
    t, b, more, c = d.upto(2, 15, 60), d.number(1, 12), d.number(1, 9), d.number(0, 40)
    a, e = c + more * t, b + more
    who, whom = d.random.sample(("Mia", "Tom", "Ben", "Eva", "Leo", "Ida", "Sam", "Zoe"), 2)
    steps = [f"{a} - {c} = {more * t}", f"{e} - {b} = {more}", f"{more * t} / {more} = {t}"]
    return case(t, steps, a=a, b=b, c=c, e=e, who=who, whom=whom)


@family(
    ask=(
        "<who> scored <l> points in $<n>$ games. How many points in the next game make the "
        "average $<m>$?",
        "The numbers <l> and one more number have the average $<m>$. What is the other number?",
        "After results of <l>, what must the next result be so that the mean of all is $<m>$?",
        "Find $x$ if the mean of <l> and $x$ is $<m>$.",
    ),
    plan=("The sum must be the average times the count.",),
    code=(
        "known = [<l>]\nprint(<m> * (len(known) + 1) - sum(known))",
        "total = <m> * (<n> + 1)\nfor x in [<l>]:\n    total -= x\nprint(total)",
    ),
    result="the number",
)
def needed_for_average(d: Draw) -> Case:
    """A number that gives a wanted average."""
    n, m = d.number(3, 6), d.upto(10, 40, 95)
    known = [max(1, m + d.number(-7, 6)) for _ in range(n)]
    s = sum(known)
    steps = [
        adding(known),
        f"{m} * {n + 1} = {m * (n + 1)}",
        f"{m * (n + 1)} - {s} = {m * (n + 1) - s}",
    ]
    return case(m * (n + 1) - s, steps, l=listed(known), n=n, m=m, s=s, who=d.person())


@family(
    ask=(
        "A bank pays $<p>\\%$ interest a year on $<n>$ dollars, and the interest stays in the "
        "account. How many whole dollars are there "
        "after $<t>$ years?",
        "A capital of $<n>$ dollars grows by $<p>$ percent each year. How many dollars is it "
        "after $<t>$ years, rounded down?",
        "<who> puts $<n>$ dollars into an account that grows by $<p>$ percent a year. What is the "
        "amount after $<t>$ years, rounded "
        "down to whole dollars?",
    ),
    plan=("The capital is multiplied by $1 + <p>/100$ each year.",),
    code=(
        "print(<n> * (100 + <p>)**<t> // 100**<t>)",
        "from fractions import Fraction\nmoney = Fraction(<n>)\nfor year in range(<t>):\n"
        "    money *= Fraction(100 + <p>, 100)\nprint(int(money))",
    ),
    result="the amount",
)
def compound_interest(d: Draw) -> Case:
    """Compound interest."""
    p, t, n = d.pick(10, 20, 50, 5, 4, 25), d.upto(2, 2, 6), 100 * d.number(1, 60)
    top, bottom = n * (100 + p) ** t, 100**t
    steps = [
        f"{100 + p}^{t} = {(100 + p) ** t}",
        f"{n} * {(100 + p) ** t} = {top}",
        f"Divided by {bottom} and rounded down: {top // bottom}",
    ]
    return case(top // bottom, steps, p=p, t=t, n=n, who=d.person())
