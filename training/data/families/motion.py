"""Families of word problems on speed, work, time and clocks."""

import math

from training.data.families.family import Case, Draw, case, family


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
def two_speeds(d: Draw) -> Case:
    """Distance at two speeds."""
    v, w, a, b = d.number(12, 120), d.number(12, 120), d.number(2, 9), d.number(2, 9)
    steps = [f"{v} * {a} = {v * a}", f"{w} * {b} = {w * b}", f"{v * a} + {w * b} = {v * a + w * b}"]
    return case(v * a + w * b, steps, v=v, w=w, a=a, b=b, who=d.person())


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
def meeting(d: Draw) -> Case:
    """When two that approach meet."""
    v, w, t = d.number(10, 120), d.number(10, 120), d.upto(2, 9, 30)
    s = (v + w) * t
    return case(t, [f"{v} + {w} = {v + w}", f"{s} / {v + w} = {t}"], s=s, v=v, w=w, who=d.person())


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
def together(d: Draw) -> Case:
    """Working together."""
    a, b = d.some(range(2, 31), 2)
    unit = (a + b) // math.gcd(a + b, a * b)
    k = unit * d.number(1, 3)
    top = k * a * b
    steps = [
        f"{a} * {b} = {a * b} and {a} + {b} = {a + b}",
        f"{k} * {a * b} = {top}",
        f"{top} / {a + b} = {top // (a + b)}",
    ]
    return case(top // (a + b), steps, a=a, b=b, k=k, who=d.person())


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
def minutes_between(d: Draw) -> Case:
    """Minutes between two times."""
    h, m = d.number(1, 14), d.number(0, 59)
    e, n = h + d.number(1, 8), d.number(0, 59)
    x, y = 60 * h + m, 60 * e + n
    steps = [f"{h} * 60 + {m} = {x}", f"{e} * 60 + {n} = {y}", f"{y} - {x} = {y - x}"]
    return case(
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
def clock_angle(d: Draw) -> Case:
    """Angle between the hands of a clock."""
    h, m = d.number(1, 12), 2 * d.number(0, 29)
    x, y = 30 * h + m // 2, 6 * m
    angle = abs(x - y)
    steps = [
        f"Hour hand: 30 * {h} + {m} / 2 = {x}",
        f"Minute hand: 6 * {m} = {y}",
        f"The difference is {angle}",
    ]
    if angle > 180:
        steps.append(f"360 - {angle} = {360 - angle}")
    return case(min(angle, 360 - angle), steps, h=h, m=m, minute=f"{m:02}")


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
def posts(d: Draw) -> Case:
    """Posts along a road."""
    k, n = d.number(2, 25), d.upto(4, 30, 200)
    steps = [f"{k * n} / {k} = {n} gaps", f"{n} + 1 = {n + 1}", f"2 * {n + 1} = {2 * (n + 1)}"]
    return case(2 * (n + 1), steps, k=k, s=k * n)
