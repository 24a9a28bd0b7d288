"""JupyterLab for the book: text notebooks open with a kernel, and their code runs in the folder of the project.

Both classes are named in `.jupyter/jupyter_server_config.json`, which `make lab` hands to the server.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupytext.async_contentsmanager import build_async_jupytext_contents_manager_class

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


class TextNotebooks(build_async_jupytext_contents_manager_class(AsyncLargeFileManager)):
    """Contents of the project, where a text notebook says which kernel it wants.

    The files themselves do not say it, so that they hold nothing of a machine; without it JupyterLab would ask at
    every opening. Nothing is written back: `jupytext.toml` filters it.
    """

    async def get(self, path: str, content: bool = True, *args: Any, **options: Any) -> dict[str, Any]:
        """A file or folder as the server shows it."""
        model = await super().get(path, content, *args, **options)
        if model["type"] == "notebook" and model["content"] is not None:
            model["content"]["metadata"].setdefault("kernelspec", dict(KERNEL))
        return model


class RootKernels(AsyncMappingKernelManager):
    """Start every kernel in the folder that the server shows, not in that of the notebook.

    The build executes notebooks there too, so that `data/olnm` and `results/olnm` mean the same by hand.
    """

    def cwd_for_path(self, path: str, **options: object) -> str:
        """The server's folder, whatever the notebook's path."""
        return self.root_dir
