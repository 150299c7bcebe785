"""Families of word problems: money, time, speed, percent, shares, ages and mixtures."""

import math

from training.data.families.family import Draw, Drawn, drawn, family
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
def change(d: Draw) -> Drawn:
    """Money left after shopping."""
    n, a, m, b = d.int(2, 15), d.int(2, 20), d.int(2, 9), d.int(2, 30)
    x, y, left = n * a, m * b, d.upto(1, 60, 500)
    steps = [
        f"{n} * {a} = {x}",
        f"{m} * {b} = {y}",
        f"{x} + {y} = {x + y}",
        f"{x + y + left} - {x + y} = {left}",
    ]
    return drawn(left, steps, n=n, a=a, m=m, b=b, h=x + y + left, who=d.person(), things=d.thing())


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
def daily_sales(d: Draw) -> Drawn:
    """Money from sales over several days."""
    n, k, p, t = d.int(12, 60), d.int(2, 10), d.int(2, 9), d.upto(2, 9, 60)
    x, y = n - k, (n - k) * p
    steps = [f"{n} - {k} = {x}", f"{x} * {p} = {y}", f"{y} * {t} = {y * t}"]
    return drawn(y * t, steps, n=n, k=k, p=p, t=t, who=d.person(), things=d.thing())


@family(
    ask=(
        "A train runs at $<v>$ km/h for $<a>$ hours and at $<w>$ km/h for $<b>$ hours. How many "
        "kilometers is that?",
        "<who> cycles $<a>$ hours at $<v>$ km/h, then $<b>$ hours at $<w>$ km/h. What distance is "
        "covered?",
        "A car drives $<a>$ hours with a speed of $<v>$ km/h and $<b>$ hours with $<w>$ km/h. "
        "Find the total distance in km.",
    ),
    plan=("Distance is speed times time, for both parts.",),
    code=(
        "print(<v> * <a> + <w> * <b>)",
        "trip = [(<v>, <a>), (<w>, <b>)]\nprint(sum(speed * hours for speed, hours in trip))",
    ),
    result="the distance",
)
def two_speeds(d: Draw) -> Drawn:
    """Distance at two speeds."""
    v, w, a, b = d.int(12, 120), d.int(12, 120), d.int(2, 9), d.int(2, 9)
    steps = [f"{v} * {a} = {v * a}", f"{w} * {b} = {w * b}", f"{v * a} + {w * b} = {v * a + w * b}"]
    return drawn(v * a + w * b, steps, v=v, w=w, a=a, b=b, who=d.person())


@family(
    ask=(
        "Two trains start toward each other from towns $<s>$ km apart, at $<v>$ and $<w>$ km/h. "
        "After how many hours do they meet?",
        "<who> and a friend live $<s>$ km apart and drive toward each other at $<v>$ km/h and "
        "$<w>$ km/h. In how many hours do they meet?",
        "Two ships, $<s>$ km from each other, approach at speeds of $<v>$ and $<w>$ km/h. How "
        "many hours pass until they meet?",
    ),
    plan=("The distance shrinks by the sum of the speeds each hour.",),
    code=(
        "print(<s> // (<v> + <w>))",
        "distance, hours = <s>, 0\nwhile distance > 0:\n    distance -= <v> + <w>\n"
        "    hours += 1\nprint(hours)",
    ),
    result="the number of hours",
)
def meeting(d: Draw) -> Drawn:
    """When two that approach meet."""
    v, w, t = d.int(10, 120), d.int(10, 120), d.upto(2, 9, 30)
    s = (v + w) * t
    return drawn(t, [f"{v} + {w} = {v + w}", f"{s} / {v + w} = {t}"], s=s, v=v, w=w, who=d.person())


@family(
    ask=(
        "One pump fills a pool in $<a>$ hours, another in $<b>$ hours. In how many hours do both "
        "fill $<k>$ such pools together?",
        "<who> paints a room in $<a>$ hours, a helper in $<b>$ hours. How many hours do both need "
        "for $<k>$ rooms together?",
        "Machine A finishes an order in $<a>$ days, machine B in $<b>$ days. In how many days do "
        "both finish $<k>$ such orders?",
    ),
    plan=("Together they do $1/<a> + 1/<b>$ of the work in each unit of time.",),
    code=(
        "from fractions import Fraction\nrate = Fraction(1, <a>) + Fraction(1, <b>)\n"
        "print(<k> / rate)",
        "print(<k> * <a> * <b> // (<a> + <b>))",
        "from sympy import Rational\nprint(<k> / (Rational(1, <a>) + Rational(1, <b>)))",
    ),
    result="the time",
)
def together(d: Draw) -> Drawn:
    """Working together."""
    a, b = d.some(range(2, 31), 2)
    unit = (a + b) // math.gcd(a + b, a * b)
    k = unit * d.int(1, 3)
    top = k * a * b
    steps = [
        f"{a} * {b} = {a * b} and {a} + {b} = {a + b}",
        f"{k} * {a * b} = {top}",
        f"{top} / {a + b} = {top // (a + b)}",
    ]
    return drawn(top // (a + b), steps, a=a, b=b, k=k, who=d.person())


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
def percent_of(d: Draw) -> Drawn:
    """A percentage of a number."""
    p = d.int(1, 19) * 5
    n = 20 * d.upto(2, 30, 200)
    return drawn(
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
def percent_change(d: Draw) -> Drawn:
    """A value that rises and falls by percentages."""
    p, q = d.pick(5, 10, 20, 25, 30, 40, 50), d.pick(5, 10, 15, 20, 25, 30, 40, 50, 60)
    unit = 10000 // math.gcd(10000, (100 + p) * (100 - q))
    n = math.lcm(unit, 100) * d.upto(1, 6, 40)
    x = n * (100 + p) // 100
    y = x * (100 - q) // 100
    steps = [f"{n} * {100 + p} / 100 = {x}", f"{x} * {100 - q} / 100 = {y}"]
    return drawn(y, steps, n=n, p=p, q=q, who=d.person())


@family(
    ask=(
        "$<n>$ dollars are shared in the ratio $<a>:<b>:<c>$. How many dollars is the <which> "
        "share?",
        "Three friends divide $<n>$ <things> in the ratio $<a>:<b>:<c>$. How many does the one "
        "with the <which> share get?",
        "A wire of $<n>$ cm is cut into three parts in the ratio $<a> : <b> : <c>$. Find the "
        "length of the <which> part in cm.",
    ),
    plan=("One part is the whole divided by the sum of the ratio's numbers.",),
    code=(
        "parts = [<a>, <b>, <c>]\nprint(<n> * <f>(parts) // sum(parts))",
        "unit = <n> // (<a> + <b> + <c>)\nprint(unit * <f>(<a>, <b>, <c>))",
    ),
    result="the <which> share",
)
def ratio_share(d: Draw) -> Drawn:
    """A share in a ratio."""
    parts, unit = d.random.sample(range(1, 10), 3), d.upto(2, 20, 150)
    which, f, part = d.pick(("largest", "max", max(parts)), ("smallest", "min", min(parts)))
    total = sum(parts)
    steps = [
        adding(parts),
        f"{unit * total} / {total} = {unit}",
        f"{part} * {unit} = {part * unit}",
    ]
    values = {"a": parts[0], "b": parts[1], "c": parts[2], "n": unit * total}
    return drawn(part * unit, steps, **values, which=which, f=f, things=d.thing())


@family(
    ask=(
        "<who> is $<k>$ times as old as <whom>. In $<t>$ years the sum of their ages will be "
        "$<s>$. How old is <whom> now?",
        "<who>'s age is $<k>$ times the age of <whom>. After $<t>$ years their ages add up to "
        "$<s>$. What is <whom>'s age now?",
        "Today <who> is $<k>$ times as old as <whom>, and in $<t>$ years both together will be "
        "$<s>$. Find the present age of <whom>.",
    ),
    plan=("Both grow older by $<t>$ years, so now the ages add up to $<s> - 2 \\cdot <t>$.",),
    code=(
        "print((<s> - 2 * <t>) // (<k> + 1))",
        "from sympy import symbols, solve\nx = symbols('x')\n"
        "print(solve(<k>*x + <t> + x + <t> - <s>, x)[0])",
        "print(next(x for x in range(1, 200) if <k> * x + x + 2 * <t> == <s>))",
    ),
    result="the age",
)
def ages(d: Draw) -> Drawn:
    """Ages, from a ratio now and a sum later."""
    k, x, t = d.int(2, 6), d.int(3, 25), d.int(2, 20)
    s = k * x + x + 2 * t
    who, whom = d.random.sample(("Mia", "Tom", "Ben", "Eva", "Leo", "Ida", "Sam", "Zoe"), 2)
    steps = [f"{s} - 2 * {t} = {s - 2 * t}", f"{k} + 1 = {k + 1}", f"{s - 2 * t} / {k + 1} = {x}"]
    return drawn(x, steps, k=k, t=t, s=s, who=who, whom=whom)


@family(
    ask=(
        "A farm has <x> and <y> with $<h>$ heads and $<l>$ legs in all. How many <y> are there?",
        "<who> counts $<h>$ heads and $<l>$ legs among <x> and <y>. How many are <y>?",
        "In a barn there are $<h>$ animals, <x> and <y>, with $<l>$ legs together. Find the "
        "number of <y>.",
    ),
    plan=("If all had $<a>$ legs, legs would be missing; each of the <y> brings $<e>$ more.",),
    code=(
        "print((<l> - <a> * <h>) // (<b> - <a>))",
        "for y in range(<h> + 1):\n    if <a> * (<h> - y) + <b> * y == <l>:\n        break\n"
        "print(y)",
        "from sympy import symbols, solve\nx, y = symbols('x y')\n"
        "print(solve([x + y - <h>, <a>*x + <b>*y - <l>], [x, y])[y])",
    ),
    result="the number of <y>",
)
def heads_and_legs(d: Draw) -> Drawn:
    """Animals, from heads and legs."""
    x, a = d.pick(("chickens", 2), ("ducks", 2), ("geese", 2))
    y, b = d.pick(("cows", 4), ("rabbits", 4), ("beetles", 6), ("spiders", 8))
    m, n = d.upto(2, 30, 150), d.upto(2, 30, 150)
    heads, legs = m + n, a * m + b * n
    steps = [
        f"{a} * {heads} = {a * heads}",
        f"{legs} - {a * heads} = {legs - a * heads}",
        f"{legs - a * heads} / {b - a} = {n}",
    ]
    return drawn(n, steps, x=x, y=y, a=a, b=b, e=b - a, h=heads, l=legs, who=d.person())


@family(
    ask=(
        "A clock shows <hour>:<minute>. How many minutes later does it show <later>:<after> on "
        "the same day?",
        "A film begins at <hour>:<minute> and ends at <later>:<after>. How many minutes does it "
        "last?",
        "A bus leaves at <hour>:<minute> and arrives at <later>:<after> on the same day. How many "
        "minutes does the ride take?",
        "How many minutes pass from <hour>:<minute> to <later>:<after> on one day?",
    ),
    plan=("We turn both times into minutes and subtract.",),
    code=(
        "start = <h> * 60 + <m>\nend = <e> * 60 + <n>\nprint(end - start)",
        "print((<e> - <h>) * 60 + <n> - <m>)",
    ),
    result="the number of minutes",
)
def minutes_between(d: Draw) -> Drawn:
    """Minutes between two times."""
    h, m = d.int(1, 14), d.int(0, 59)
    e, n = h + d.int(1, 8), d.int(0, 59)
    x, y = 60 * h + m, 60 * e + n
    steps = [f"{h} * 60 + {m} = {x}", f"{e} * 60 + {n} = {y}", f"{y} - {x} = {y - x}"]
    return drawn(
        y - x,
        steps,
        h=h,
        m=m,
        e=e,
        n=n,
        hour=str(h),
        minute=f"{m:02}",
        later=str(e),
        after=f"{n:02}",
    )


@family(
    ask=(
        "How many degrees is the smaller angle between the hands of a clock at <h>:<minute>?",
        "A clock with hour and minute hand shows <h>:<minute>. Find the smaller angle between the "
        "hands, in degrees.",
        "At <h>:<minute>, how many degrees lie between the two hands of a clock (the smaller "
        "angle)?",
    ),
    plan=("The hour hand moves half a degree a minute, the minute hand six degrees.",),
    code=(
        "hour = 30 * <h> + <m> // 2\nminute = 6 * <m>\nangle = abs(hour - minute)\n"
        "print(min(angle, 360 - angle))",
        "a = abs(30 * <h> - 5.5 * <m>)\nprint(int(min(a, 360 - a)))",
    ),
    result="the angle",
)
def clock_angle(d: Draw) -> Drawn:
    """Angle between the hands of a clock."""
    h, m = d.int(1, 12), 2 * d.int(0, 29)
    x, y = 30 * h + m // 2, 6 * m
    angle = abs(x - y)
    steps = [
        f"Hour hand: 30 * {h} + {m} / 2 = {x}",
        f"Minute hand: 6 * {m} = {y}",
        f"The difference is {angle}",
    ]
    if angle > 180:
        steps.append(f"360 - {angle} = {360 - angle}")
    return drawn(min(angle, 360 - angle), steps, h=h, m=m, minute=f"{m:02}")


@family(
    ask=(
        "<who> has $<n>$ <things> and gives away $<a>/<b>$ of them, then $<c>$ more. How many are "
        "left?",
        "Of $<n>$ <things>, <who> sells $<a>/<b>$ and loses $<c>$ of the rest. How many remain?",
        "A jar holds $<n>$ <things>. First $<a>/<b>$ of them are taken out, then another $<c>$. "
        "How many stay in the jar?",
    ),
    plan=("We subtract the fraction first, then the number.",),
    code=(
        "left = <n> - <n> * <a> // <b>\nprint(left - <c>)",
        "from fractions import Fraction\nprint(<n> * (1 - Fraction(<a>, <b>)) - <c>)",
    ),
    result="the number left",
)
def fraction_left(d: Draw) -> Drawn:
    """What is left after a fraction is gone."""
    b = d.int(3, 9)
    a, n = d.int(1, b - 1), b * d.upto(4, 15, 90)
    x = n * a // b
    y = n - x
    c = d.int(1, max(1, y - 1))
    steps = [f"{n} * {a} / {b} = {x}", f"{n} - {x} = {y}", f"{y} - {c} = {y - c}"]
    return drawn(y - c, steps, n=n, a=a, b=b, c=c, who=d.person(), things=d.thing())


@family(
    ask=(
        "Posts stand along a straight road of $<s>$ meters, $<k>$ meters apart, with posts at "
        "both ends, and that on both sides of the "
        "road. How many posts are there?",
        "Trees are planted on both sides of a $<s>$ m long road, every $<k>$ m and at both ends. "
        "How many trees are needed?",
        "Lamps stand every $<k>$ meters on both sides of a street of $<s>$ meters, the ends "
        "included. How many lamps is that?",
    ),
    plan=("One side has one post more than gaps.",),
    code=(
        "print(2 * (<s> // <k> + 1))",
        "print(2 * len(range(0, <s> + 1, <k>)))",
        "count = 0\nfor side in range(2):\n    for place in range(0, <s> + 1, <k>):\n"
        "        count += 1\nprint(count)",
    ),
    result="the number",
)
def posts(d: Draw) -> Drawn:
    """Posts along a road."""
    k, n = d.int(2, 25), d.upto(4, 30, 200)
    steps = [f"{k * n} / {k} = {n} gaps", f"{n} + 1 = {n + 1}", f"2 * {n + 1} = {2 * (n + 1)}"]
    return drawn(2 * (n + 1), steps, k=k, s=k * n)


@family(
    ask=(
        "How many liters of water must be added to $<v>$ liters of a $<p>\\%$ salt solution to "
        "get a $<q>\\%$ solution?",
        "<who> has $<v>$ liters of juice with $<p>$ percent sugar. How many liters of water make "
        "it $<q>$ percent sugar?",
        "A tank holds $<v>$ liters of a liquid that is $<p>$ percent acid. How much water, in "
        "liters, brings it to $<q>$ percent?",
    ),
    plan=("The amount of the dissolved part stays the same.",),
    code=(
        "print(<v> * <p> // <q> - <v>)",
        "from sympy import symbols, solve\nw = symbols('w')\n"
        "print(solve(<v> * <p> - (<v> + w) * <q>, w)[0])",
    ),
    result="the amount of water",
)
def dilution(d: Draw) -> Drawn:
    """Water that dilutes a solution."""
    q = d.int(2, 30)
    p = q + d.int(1, 40)
    v = q // math.gcd(p, q) * d.upto(1, 6, 20)
    whole = v * p // q
    steps = [f"{v} * {p} = {v * p}", f"{v * p} / {q} = {whole}", f"{whole} - {v} = {whole - v}"]
    return drawn(whole - v, steps, v=v, p=p, q=q, who=d.person())


@family(
    ask=(
        "$<n>$ <things> are packed in boxes of $<k>$. How many boxes are needed for all of them?",
        "Buses take $<k>$ passengers each. How many buses are needed for $<n>$ passengers?",
        "<who> reads $<k>$ pages a day. In how many days is a book of $<n>$ pages finished?",
        "A boat carries $<k>$ people at a time. How many crossings bring $<n>$ people over?",
    ),
    plan=("We divide and round up.",),
    code=(
        "from math import ceil\nprint(ceil(<n> / <k>))",
        "print(-(-<n> // <k>))",
        "n, boxes = <n>, 0\nwhile n > 0:\n    n -= <k>\n    boxes += 1\nprint(boxes)",
    ),
    result="the number",
)
def boxes_needed(d: Draw) -> Drawn:
    """Division that is rounded up."""
    k, q = d.int(4, 60), d.upto(2, 20, 90)
    n = k * q + d.int(1, k - 1)
    steps = [f"{n} = {q} * {k} + {n - q * k}", f"One more for the rest: {q} + 1 = {q + 1}"]
    return drawn(q + 1, steps, n=n, k=k, things=d.thing(), who=d.person())


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
def catching_up(d: Draw) -> Drawn:
    """When two that grow at different speeds are equal."""
    t, b, more, c = d.upto(2, 15, 60), d.int(1, 12), d.int(1, 9), d.int(0, 40)
    a, e = c + more * t, b + more
    who, whom = d.random.sample(("Mia", "Tom", "Ben", "Eva", "Leo", "Ida", "Sam", "Zoe"), 2)
    steps = [f"{a} - {c} = {more * t}", f"{e} - {b} = {more}", f"{more * t} / {more} = {t}"]
    return drawn(t, steps, a=a, b=b, c=c, e=e, who=who, whom=whom)


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
def needed_for_average(d: Draw) -> Drawn:
    """A number that gives a wanted average."""
    n, m = d.int(3, 6), d.upto(10, 40, 95)
    known = [max(1, m + d.int(-7, 6)) for _ in range(n)]
    s = sum(known)
    steps = [
        adding(known),
        f"{m} * {n + 1} = {m * (n + 1)}",
        f"{m * (n + 1)} - {s} = {m * (n + 1) - s}",
    ]
    return drawn(m * (n + 1) - s, steps, l=listed(known), n=n, m=m, s=s, who=d.person())


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
def compound_interest(d: Draw) -> Drawn:
    """Compound interest."""
    p, t, n = d.pick(10, 20, 50, 5, 4, 25), d.upto(2, 2, 6), 100 * d.int(1, 60)
    top, bottom = n * (100 + p) ** t, 100**t
    steps = [
        f"{100 + p}^{t} = {(100 + p) ** t}",
        f"{n} * {(100 + p) ** t} = {top}",
        f"Divided by {bottom} and rounded down: {top // bottom}",
    ]
    return drawn(top // bottom, steps, p=p, t=t, n=n, who=d.person())


@family(
    ask=(
        "A rope of $<a>$ m and <b> cm is cut into pieces of $<k>$ cm. How many centimeters are "
        "left over?",
        "<who> cuts a ribbon of $<a>$ m <b> cm into pieces of $<k>$ cm. How long is the rest, in "
        "centimeters?",
        "A board is $<a>$ meters and <b> centimeters long. After sawing off as many pieces of "
        "$<k>$ cm as possible, how many cm remain?",
    ),
    plan=("We turn the length into centimeters and take the remainder.",),
    code=(
        "length = 100 * <a> + <b>\nprint(length % <k>)",
        "n = 100 * <a> + <b>\nwhile n >= <k>:\n    n -= <k>\nprint(n)",
    ),
    result="the rest",
)
def rope_rest(d: Draw) -> Drawn:
    """The rest of a rope, with a change of unit."""
    a, b, k = d.upto(2, 12, 60), d.int(1, 99), d.int(13, 90)
    n = 100 * a + b
    steps = [f"{a} * 100 + {b} = {n}", f"{n} = {n // k} * {k} + {n % k}"]
    return drawn(n % k, steps, a=a, b=b, k=k, who=d.person())
