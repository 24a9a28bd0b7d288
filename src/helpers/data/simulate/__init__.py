"""Simulated ultrasound cohorts that follow published counts, written as the files a clinic would have.

Nothing measured on these files is a finding about patients: they exercise reading, training and statistics.

`fields` random fields · `acoustics` probe, speckle, display levels · `anatomy` the neck · `nodule` one
nodule and its signs · `perfusion` contrast wash-in and wash-out · `display` what the machine draws around the
image · `published` the counts to follow · `signs` the cohort table · `ceiling` the best any reader can do ·
`files` PNG, DICOM, AVI, MP4, NIfTI · `folder` the study folder · `case` one patient · `olnm` the study.

Study `calcified`: `calcified_counts` what the paper prints · `calcified_signs` the cohort table · `calcified_foci`
calcium in three dimensions · `calcified_sweep` the probe's way and the frames · `calcified_clip` one patient ·
`readings` the reader study · `calcified` the study.
"""
