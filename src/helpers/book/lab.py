"""JupyterLab for the book: a notebook's code runs in the folder of the project, where `data/` and `results/` are."""

from __future__ import annotations

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager


class RootKernels(AsyncMappingKernelManager):
    """Start every kernel in the folder that the server shows, not in that of the notebook.

    The build executes notebooks there too, so that the same relative paths hold by hand. Named in
    `.jupyter/jupyter_server_config.json`.
    """

    def cwd_for_path(self, path: str, **options: object) -> str:
        """The server's folder, whatever the notebook's path."""
        return self.root_dir
