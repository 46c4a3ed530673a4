"""The characters of tiny Shakespeare: predict the next one."""

from functools import cache

from torch import Tensor

from neurorec.tasks.data_files import DataFile, from_files
from neurorec.tasks.task import Task, tasks
from neurorec.tasks.text import as_numbers, text_task

TEXT = DataFile(
    "tiny_shakespeare/input.txt",
    size=1_115_394,
    sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    origin="github.com/karpathy/char-rnn, data/tinyshakespeare/input.txt",
    licence="MIT; the text is in the public domain",
)
SOURCES = ("karpathy_char_rnn",)


@cache
def characters() -> tuple[str, Tensor]:
    return as_numbers(TEXT.read(), TEXT.path)


@tasks.register("tiny_shakespeare")
@from_files(TEXT, inputs=65, outputs=65, sources=SOURCES)
def tiny_shakespeare(seed: int) -> Task:
    """One character of Shakespeare's plays per frame, one-hot on 65 lines; the target is the next one.

    Windows of 128 characters: training windows are drawn afresh in every epoch from the first 81 % of the text; the next 9 %
    are for validation, the last 10 % for testing.
    """
    return text_task("tiny_shakespeare", "next character of tiny Shakespeare", *characters(), seed, SOURCES)
