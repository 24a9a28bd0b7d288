"""Figures that answer: computed once, shown in the book without a kernel and in JupyterLab with one.

A notebook computes a view and its page writes it::

    page.view("fig-threshold", threshold.build(judged, frozen, settings=settings))

    :::{result-view} fig-threshold
    :alt: ...

    **Caption.**
    :::

`helpers.book.widgets` shows the same file in JupyterLab. One module computes each view: `threshold`, `contrast`,
`attention`, `replay` and `outlines`.
"""
