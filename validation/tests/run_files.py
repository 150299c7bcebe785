"""Small recorded runs for the tests, written as the kernel writes them."""

import json

CODE = "```python\nprint({})\n```\n```output"


class RunFile:
    """Collects events and writes them; `candidate` writes the events of a whole candidate."""

    def __init__(self, **settings):
        self.clock = 1000.0
        self.lines = []
        self.write("run", settings={"rounds": 4, "seed": 0, **settings}, model="/m", set="s")

    def write(self, event, **values):
        self.clock += 1
        self.lines.append(json.dumps({"event": event, "time": self.clock, **values}))

    def problem(self, name, truth, seed=0):
        self.now = {"problem": name, "seed": seed}
        self.write("problem", text=f"What is {name}?", truth=truth, **self.now)

    def candidate(self, index, *rounds, reason="answered", answer=None, tokens=10):
        """Each round is a text, or a pair of text and output of the code at its end."""
        for number, made in enumerate(rounds):
            text, output, *status = (made, None) if isinstance(made, str) else made
            where = {**self.now, "candidate": index}
            finish = "stop" if text.endswith("```output") else "end"
            self.write("completion", round=number, text=text, finish=finish, tokens=tokens, **where)
            if output is not None:
                ran = {"code": "print()", "status": status[0] if status else "ok"}
                self.write(
                    "execution", round=number + 1, output=output, seconds=0.1, **ran, **where
                )
        self.stop(index, reason, answer)

    def stop(self, index, reason, answer=None):
        self.write("stopped", candidate=index, round=1, reason=reason, answer=answer, **self.now)

    def solution(self, answer, seconds=5.0, ended=None):
        self.write("solution", answer=answer, seconds=seconds, ended=ended, **self.now)

    def votes(self, name, truth, answers, given, seed=0, **solution):
        """Write a problem whose candidates box these answers without code; None boxes nothing."""
        self.problem(name, truth, seed)
        for index, answer in enumerate(answers):
            text = "I give up." if answer is None else f"So \\boxed{{{answer}}}."
            reason = "no_answer" if answer is None else "answered"
            self.candidate(index, text, reason=reason, answer=answer)
        self.solution(given, **solution)

    def save(self, path):
        path.write_text("".join(line + "\n" for line in self.lines))
        return path
