"""Problems for tests of the judge's pure parts."""

from __future__ import annotations

import torch


class FakeProblem:
    """A module and a generator, without a file."""

    def __init__(self, module, draw, names=("x",), plan=None) -> None:
        self.module = module.eval() if isinstance(module, torch.nn.Module) else _Wrapped(module).eval()
        self._draw, self.parameter_names = draw, list(names)

    def draw(self, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            args = self._draw()
        return (args if isinstance(args, tuple) else (args,)), {}


class _Wrapped(torch.nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


class FakeRunner:
    """Runs a Python callable as a worker would: state is `self`, a call may do anything to what it is given."""

    def __init__(self, function, pass_params=False) -> None:
        self.function, self.pass_params = function, pass_params
        self.params, self.slots, self._before = {}, [], None
        self.calls = 0

    def set_params(self, params):
        for name, value in params.items():
            if name in self.params:
                self.params[name].copy_(value)
            else:
                self.params[name] = value.clone()
        self._pristine = {n: t.clone() for n, t in self.params.items()}

    def refresh(self):
        return None

    def set_slots(self, slots):
        self.slots = [[leaf.clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in s] for s in slots]
        self._sent = [[leaf.clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in s] for s in slots]

    def overwrite_slots(self, slots):
        for mine, sent, new in zip(self.slots, self._sent, slots, strict=True):
            for i, leaf in enumerate(new):
                if isinstance(leaf, torch.Tensor):
                    mine[i].copy_(leaf)
                    sent[i].copy_(leaf)

    def call(self, slot, *, poison=False, keep=False, timeout=60.0):
        from burnish.judge.trees import flatten_result

        self.calls += 1
        before, self._before = self._before, None
        args = list(self.slots[slot])
        try:
            with torch.no_grad():
                result = self.function(*args, self.params) if self.pass_params else self.function(*args)
        except Exception as e:
            return FakeOutcome(False, "crash", repr(e), [], None)
        self._older = before
        tensors, structure = flatten_result(result)
        self._before = tensors
        return FakeOutcome(True, "", "", [t.clone() for t in tensors], structure)

    def previous(self):
        return FakeOutcome(True, "", "", [t.clone() for t in self._older or []], None)

    def inputs_changed(self, slot):
        return any(
            isinstance(a, torch.Tensor) and not torch.equal(a, b)
            for a, b in zip(self.slots[slot], self._sent[slot], strict=True)
        )

    def params_changed(self):
        return any(not torch.equal(t, self._pristine[n]) for n, t in self.params.items())


class FakeOutcome:
    def __init__(self, ok, reason, message, tensors, structure) -> None:
        self.ok, self.reason, self.message, self.tensors, self.structure = ok, reason, message, tensors, structure
        self.peak_bytes, self.guard_broken = 0, False
