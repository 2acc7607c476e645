"""Hostile adapters as data: what each does, and what the run must say of ``relu/gradient@float64``.

A row is a name, the outcome, and Python that changes the engine of `ENGINE`: statements that run when the file is loaded,
or, after ``forward:`` and ``backward:``, when the engine computes a value or a gradient. ``usage`` is one line and exit 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent

ENGINE = """
import os, sys, time, signal, threading, subprocess, builtins, enum
import numpy as np
from gradlaw import functional_target

name, version, levels, dtypes = "hostile", "1", ("scalar",), ("float64",)

def before_forward(x): return None
def before_backward(x, g): return None

{change}

def forward(x):
    found = before_forward(x)
    return np.maximum(x, 0) if found is None else found

def vjp(function, primals, cotangent):
    output = function(*primals)
    x, = primals
    found = before_backward(x, cotangent)
    return output, (cotangent * (x > 0) if found is None else found,)

target = functional_target(
    name=name, version=version, levels=levels, dtypes=dtypes, array=np.array, numpy=lambda value: value, vjp=vjp,
    primitives={{"relu": forward}},
)
"""


@dataclass(frozen=True)
class Hostile:
    name: str
    outcomes: tuple[str, ...]
    source: str
    rare: bool = False
    """Whether it is left to the full set, since another adapter is much like it."""


def change(code: str) -> str:
    """Return the statements of a row; ``;`` ends one, and ``forward:`` puts them where a value is computed."""
    for place, head in (("forward:", "def before_forward(x):"), ("backward:", "def before_backward(x, g):")):
        if code.startswith(place):
            body = code.removeprefix(place).strip().replace(" ;; ", "\n")
            return f"{head}\n{indent(dedent(body), '    ')}"
    return code.replace(" ;; ", "\n")


RAISED = """
keyboard-interrupt | crash | raise KeyboardInterrupt
generator-exit | crash | raise GeneratorExit
system-exit-0 | crash | raise SystemExit(0)
system-exit-text | crash | raise SystemExit('enough')
base-exception | crash | raise BaseException('no Exception')
cancelled | crash | import asyncio ;; raise asyncio.CancelledError
skip-as-pytest-does | crash | raise type('Skipped', (BaseException,), {'msg': 'skip'})('skip')
group-of-base-exceptions | crash | raise BaseExceptionGroup('many', [KeyboardInterrupt(), ValueError()])
group-of-exceptions | refused | raise ExceptionGroup('many', [ValueError(), TypeError()])
skip-as-unittest-does | refused | import unittest ;; raise unittest.SkipTest('skip')
unsatisfied | refused | import hypothesis ;; raise hypothesis.errors.UnsatisfiedAssumption
stop-iteration | refused | raise StopIteration
recursion | refused | f = lambda n: f(n + 1) ;; f(0)
unpicklable | refused | raise type('Local', (Exception,), {'__reduce__': lambda self: 1 / 0})(lambda: 0)
str-raises | refused | raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()
str-interrupts | refused | raise type('Mute', (Exception,), {'__str__': lambda self: (_ for _ in ()).throw(KeyboardInterrupt)})()
str-exits | refused | raise type('Mute', (Exception,), {'__str__': lambda self: sys.exit(0)})()
str-is-none | refused | raise type('Mute', (Exception,), {'__str__': lambda self: None})()
repr-raises | refused | raise type('Mute', (Exception,), {'__repr__': lambda self: 1 / 0})('x')
text-of-ten-megabytes | refused | raise ValueError('x' * 10**7)
text-of-a-million-lines | refused | raise ValueError('x' + chr(10) * 10**6)
escape-sequences | refused | raise ValueError('\\x1b[31mred\\x1b]0;title\\x07\\x1b[2J')
nul | refused | raise ValueError('a\\x00b')
right-to-left | refused | raise ValueError('\\u202egnorw\\u2066')
lone-surrogate | refused | raise ValueError('\\ud800')
markup | refused | raise ValueError('[bold]x[/nope] <script>alert(1)</script> [click](javascript:alert(1))')
odd-class-name | refused | raise type('\\x1b[31m', (Exception,), {})('x')
lying-metaclass | refused | M = type('M', (type,), {'__name__': property(lambda c: 1 / 0)}) ;; raise M('E', (Exception,), {})('x')
cause-in-a-circle | refused | a, b = ValueError('a'), ValueError('b') ;; a.__cause__, b.__cause__ = b, a ;; raise a
spec-error | refused | from gradlaw_spec import SpecError ;; raise SpecError('a', 'b', 'c', 'd')
"""
"""What a call may raise: a refusal is unsupported where a value is computed, and a violation under differentiation."""

DIES = """
exits-0 | crash | os._exit(0)
exits-1 | crash | os._exit(1)
exits-as-out-of-memory-does | crash | os._exit(77)
aborts | crash | os.abort()
kills-itself | crash | os.kill(os.getpid(), signal.SIGKILL)
terminates-itself | crash | os.kill(os.getpid(), signal.SIGTERM)
segfaults | crash | import faulthandler ;; faulthandler._sigsegv()
interrupts-itself | crash | os.kill(os.getpid(), signal.SIGINT) ;; time.sleep(1)
kills-its-group | crash | os.killpg(0, signal.SIGKILL)
kills-its-supervisor | crash or pass | os.kill(os.getppid(), signal.SIGKILL)
closes-everything | crash | os.closerange(0, 256)
alarm | crash | signal.setitimer(signal.ITIMER_REAL, 0.05) ;; time.sleep(1)
out-of-memory | crash | hoard = np.ones(2**33)
hoards | crash or timeout | hoard = [] ;; exec('while True: hoard.append(np.ones(2**24))')
memory-error | crash | raise MemoryError
sleeps | timeout | time.sleep(600)
spins | timeout | exec('while True: pass')
holds-the-lock | timeout | sum(range(10**13))
stops-itself | timeout | os.kill(os.getpid(), signal.SIGSTOP)
deadlock | timeout | lock = threading.Lock() ;; lock.acquire() ;; lock.acquire()
ignores-signals | timeout | signal.signal(signal.SIGTERM, signal.SIG_IGN) ;; signal.signal(signal.SIGINT, signal.SIG_IGN) ;; time.sleep(600)
prints-then-dies | crash | print('\\x1b[31mlast words', flush=True) ;; os._exit(9)
prints-for-ever | timeout | exec("while True: print('x' * 10**6)")
forged-answers | crash | spray(b'\\0' * 7 + b'\\x09' + b'\\x92\\xc3\\x90junk!!') ;; time.sleep(3)
endless-answer | crash | spray(b'\\xff' * 64) ;; time.sleep(3)
"""

LEAVES = """
fork-returns-twice | pass | os.fork()
fork-stays | pass | (lambda pid: time.sleep(600) if pid == 0 else None)(os.fork())
child-process | pass | subprocess.Popen(['sleep', '600'])
child-in-its-own-session | pass | subprocess.Popen(['sleep', '600'], start_new_session=True)
daemon | pass | subprocess.Popen(['sh', '-c', '(setsid sleep 600 &) ; exit 0'])
child-ignores-signals | pass | subprocess.Popen(['sh', '-c', 'trap "" TERM INT HUP; sleep 600'])
child-holds-the-output | pass | subprocess.Popen(['sleep', '600'], close_fds=False)
thread | pass | threading.Thread(target=time.sleep, args=(600,)).start()
at-exit | pass | import atexit ;; atexit.register(time.sleep, 600)
prints-ten-megabytes | pass | print('x' * 10**7)
prints-surrogates | pass | print('\\ud800')
writes-to-the-output | pass | os.write(1, b'\\x1b[2J'); os.write(2, b'\\xff')
closes-the-output | pass | os.closerange(1, 3)
no-stdout | pass | sys.stdout = None
closed-stdout | pass | sys.stdout.close()
reads-input | unsupported | input()
strict-floats | pass | np.seterr(all='raise')
low-recursion-limit | crash or pass or violation | sys.setrecursionlimit(120)
balls-without-digits | pass | import flint ;; flint.ctx.prec = 5
seeds | pass | np.random.seed(0); import random; random.seed(0)
changes-folder | pass | os.chdir('/')
clears-environment | pass | os.environ.clear()
no-print | pass | builtins.print = None
another-pid | pass | pass
umask | pass | os.umask(0o777)
no-garbage-collection | pass | import gc; gc.disable()
"""

RETURNS = """
text | violation | return 'text'
text-array | violation | return np.array('text')
objects | violation | return np.array([object()])
complex-numbers | violation | return np.asarray(g) * 1j
nan | violation | return g * np.nan
more-axes | violation | return np.stack([g, g])
no-elements | violation | return np.zeros(0)
a-billion-elements | violation | return np.broadcast_to(g, (10**9, *np.shape(g)))
a-list | violation or pass | return [float(v) for v in np.ravel(g)]
a-generator | violation | return (v for v in ())
a-list-in-itself | violation | found = [] ;; found.append(found) ;; return found
a-class | violation | return int
array-raises | violation | return type('A', (), {'__array__': lambda self, *a, **k: 1 / 0})()
array-exits | crash | return type('A', (), {'__array__': lambda self, *a, **k: sys.exit(3)})()
array-dies | crash | return type('A', (), {'__array__': lambda self, *a, **k: os._exit(3)})()
subclass-that-lies | violation or pass | return np.asarray(g * (x > 0)).view(type('L', (np.ndarray,), {'shape': property(lambda s: 1 / 0)}))
pickle-bomb | violation | return type('Bomb', (), {'__reduce__': lambda self: (os.system, ('touch ran',))})()
masked | violation or pass | return np.ma.masked_array(g * (x > 0), mask=True)
read-only | pass | found = np.asarray(g * (x > 0)) ;; found.flags.writeable = False ;; return found
its-input | violation | return x
overwrites-its-input | violation or pass | x[...] = np.nan
long-double | violation or pass | return (g * (x > 0)).astype(np.longdouble)
"""

CLAIMS = """
name-is-an-enum | pass | name = enum.Enum('E', {'A': 'x'}, type=str).A
name-with-a-surrogate | pass | name = 'x\\ud800'
name-with-escapes | pass | name = '\\x1b[31mred\\x1b]0;title\\x07'
name-is-markup | pass | name = '[bold]x[/nope]'
name-is-a-link | pass | name = '[click](javascript:alert(1))'
name-is-html | pass | name = '<script>alert(1)</script>'
name-of-ten-megabytes | pass | name = 'x' * 10**7
name-with-lines | pass | name = 'a' + chr(10) + 'b'
name-is-a-hostile-string | pass | name = type('S', (str,), {'__str__': lambda s: 1 / 0, '__format__': lambda s, f: 1 / 0, '__hash__': lambda s: 1 / 0})('x')
name-is-empty | usage | name = ''
name-is-none | usage | name = None
version-is-unpicklable | usage | version = lambda: 0
version-is-an-object | usage | version = type('V', (), {'__repr__': lambda s: 1 / 0})()
version-dies | usage | version = type('V', (), {'__repr__': lambda s: os._exit(0)})()
version-with-escapes | pass | version = '\\x1b]8;;http://example.org\\x07'
levels-raise | usage | levels = (1 / 0 for _ in [1])
levels-exit | usage | levels = (sys.exit(0) for _ in [1])
dtypes-never-end | usage | import itertools ;; dtypes = itertools.repeat('float64')
dtypes-are-strings-of-their-own | pass | dtypes = (type('S', (str,), {})('float64'),)
load-strict-floats | pass | np.seterr(all='raise')
load-interrupts | usage | raise KeyboardInterrupt
load-exits | usage | raise SystemExit(0)
load-leaves | usage | raise GeneratorExit
load-dies | usage | os._exit(0)
load-kills-itself | usage | os.kill(os.getpid(), signal.SIGKILL)
load-hangs | usage | time.sleep(600)
load-spins | usage | exec('while True: pass')
load-raises-ten-megabytes | usage | raise ValueError('x' * 10**7)
load-raises-escapes | usage | raise ValueError('\\x1b[31m\\u202e')
load-raises-what-has-no-text | usage | raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()
load-prints | pass | print('\\x1b[2J' * 10**6)
load-forks | usage or pass | os.fork()
load-leaves-a-child | pass | subprocess.Popen(['sleep', '600'], start_new_session=True)
load-has-no-end-of-memory | usage | hoard = [] ;; exec('while True: hoard.append(np.ones(2**24))')
"""

HELPERS = """
def spray(content):
    for descriptor in range(3, 40):
        try:
            os.write(descriptor, content)
        except OSError:
            pass
"""


def placed(text: str, place: str, outcome: dict[str, str], rare: bool = False) -> list[Hostile]:
    """Return the rows of a table with their code in a place, and their outcome there."""
    found = []
    for line in text.strip().splitlines():
        name, outcomes, code = (part.strip() for part in line.split(" | ", 2))
        kept = tuple(outcome.get(one, one) for one in outcomes.split(" or "))
        source = ENGINE.format(change=HELPERS + change(f"{place} {code}".strip()))
        found.append(Hostile(f"{place.rstrip(':') or 'load'}-{name}", kept, source, rare))
    return found


ADAPTERS = [
    *placed(RAISED, "forward:", {"refused": "unsupported"}),
    *placed(RAISED, "backward:", {"refused": "violation"}, rare=True),
    *placed(DIES, "forward:", {}),
    *placed(LEAVES, "forward:", {}),
    *placed(RETURNS, "backward:", {}),
    *placed(CLAIMS, "", {}),
]
