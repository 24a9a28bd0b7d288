"""A kernel manager whose kernels start warm; see `helpers.book.warm`."""

from __future__ import annotations

from jupyter_client.manager import AsyncKernelManager
from traitlets import Bool


class WarmKernelManager(AsyncKernelManager):
    """Starts the kernel of the kernel specification through `helpers.book.warm`."""

    torch = Bool(False, config=True, help="whether the notebook needs torch")

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The command of the specification, run by `helpers.book.warm`."""
        command = super().format_kernel_cmd(extra_arguments)
        module = command.index("-m") + 1
        return [command[0], "-m", "helpers.book.warm", *(["--torch"] if self.torch else []), *command[module:]]
