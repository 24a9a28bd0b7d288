"""The simulation's physics: speckle, resolution, shadow, and that every sign is in the pixels."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.data.simulate import perfusion
from helpers.data.simulate.acoustics import Probe, Tissue, bmode, shadow_db
from helpers.data.simulate.anatomy import draw_neck, paint_neck
from helpers.data.simulate.fields import Grid, complex_noise
from helpers.data.simulate.nodule import CYSTIC_SHARE, Signs, cut, diameter, fluid, paint_nodule, place_nodule


def scene(seed=3, **signs):
    rng = np.random.default_rng(seed)
    grid = Grid(256, 272, 0.16)
    neck = draw_neck(rng, grid)
    nodule = place_nodule(rng, neck, Signs(**{"size_mm": 12.0, **signs}))
    section = cut(rng, neck, nodule)
    tissue = paint_neck(neck)
    paint_nodule(tissue, neck, nodule, section)
    return rng, grid, neck, nodule, section, tissue


def test_speckle_is_rayleigh():
    grid = Grid(128, 128, 0.15)
    envelope = np.abs(Probe(grid).convolve(complex_noise(np.random.default_rng(0), grid.shape)))
    assert envelope.mean() / envelope.std() == pytest.approx(1.91, abs=0.1)  # Wagner 1983


def test_lateral_resolution_is_best_at_the_focus():
    grid = Grid(720, 96, 0.05)
    probe = Probe(grid, focus_mm=15)
    widths = []
    for depth in (300, 700):  # 15 mm, 35 mm
        point = np.zeros(grid.shape, np.complex64)
        point[depth, 48] = 1
        line = np.abs(probe.convolve(point))[depth]
        widths.append((line > line.max() / 2).sum())
    assert widths[1] >= 2 * widths[0]


def test_shadow_falls_behind_a_calcification_and_enhancement_behind_fluid():
    grid = Grid(60, 40, 0.2)
    loss = np.zeros(grid.shape, np.float32)
    loss[20:24, 10] = 100
    loss[20:24, 30] = -10
    behind = shadow_db(Tissue(grid, loss * 0, loss, loss * 0))
    assert behind[50, 10] > 2 > 0 > behind[50, 30] and abs(behind[10]).max() < 1e-3


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [3.0, 9.0, 20.0])
def test_extension_crosses_the_capsule_and_nothing_else_does(seed, size):
    for ete, margin in (("yes", "ill-defined"), ("no", "ill-defined"), ("no", "irregular margin")):
        _, grid, neck, nodule, section, _ = scene(seed, ete=ete, margin=margin, size_mm=size)
        above = section.mask & (grid.z < neck.capsule[None])
        assert above.any() == (ete == "yes")
        assert diameter(nodule.radius) == pytest.approx(size, abs=0.01)
        assert section.mask[0].max() == section.mask[-1].max() == 0


def test_signs_change_the_pixels_as_they_should():
    def grey(**signs):
        rng, grid, _, _, section, tissue = scene(**signs)
        return bmode(rng, Probe(grid), tissue).astype(float), section

    image, section = grey(echogenicity="hypoechoic")
    ring = (section.distance > 1.5) & (section.distance < 3)
    assert image[ring].mean() - image[section.mask].mean() > 15
    bright, section = grey(echogenicity="hyperechoic")
    assert bright[section.mask].mean() > image[section.mask].mean() + 25
    dots, section = grey(echogenic_foci="microcalcifications")
    assert (dots[section.mask] > 240).sum() > (image[section.mask] > 240).sum() + 5
    tall, wide = (grey(orientation=which)[1].mask for which in ("vertical", "horizontal"))
    assert tall.any(1).sum() > tall.any(0).sum() and wide.any(0).sum() > wide.any(1).sum()
    sharp, blurred = (grey(margin=which)[1].membership for which in ("irregular margin", "ill-defined"))
    assert ((blurred > 0.1) & (blurred < 0.9)).sum() > 2 * ((sharp > 0.1) & (sharp < 0.9)).sum()
    halo, section = scene(halo="present halo")[5], scene()[5]
    assert (halo.level - section.level).min() < -5


def test_fluid_covers_its_share():
    section = scene(margin="irregular margin")[4]
    for composition, share in CYSTIC_SHARE.items():
        covered = fluid(section, composition)[section.mask].mean()
        assert covered == pytest.approx(share, abs=0.08)


def test_a_slice_away_from_the_centre_is_smaller_and_beyond_it_empty():
    _, grid, _, nodule, section, _ = scene()
    half = nodule.section(grid, elevation_mm=0.7 * nodule.reach_mm) < 0
    assert 0 < half.sum() < 0.7 * section.mask.sum()
    assert not (nodule.section(grid, elevation_mm=1.1 * nodule.reach_mm) < 0).any()


def peak(**signs):
    rng, _, neck, nodule, section, _ = scene(**signs)
    bolus = perfusion.perfuse(rng, neck, nodule, section)
    times = np.arange(0, 80, 0.5)
    return times, perfusion.nodule_curve(bolus, section.mask, times), bolus, section


def test_contrast_peaks_by_class_and_washes_out():
    values = {level: peak(peak_intensity=level)[1].max() for level in perfusion.RATIO}
    assert values["hypoenhancement"] < 0.4 < values["isoenhancement"] < 1.5 < values["hyperenhancement"]
    times, curve, _, _ = peak()
    top = int(np.argmax(curve))
    assert 10 < times[top] < 30 and curve[-1] < 0.1 * curve[top] and curve[0] < 1e-6


def test_contrast_fills_from_the_border_and_rings_are_bright():
    _, _, bolus, section = peak(size_mm=18.0)
    step = perfusion.COARSE
    distance = section.distance[::step, ::step]
    arrival = bolus.arrival[: distance.shape[0], : distance.shape[1]]
    assert arrival[distance < -5].mean() > arrival[(distance < 0) & (distance > -2)].mean() + 0.5
    ringed = peak(ring_enhancement="present")
    rim = np.abs(ringed[3].distance) < 0.4
    assert ringed[2].volume[rim].mean() > 1.8 * peak()[2].volume[rim].mean()


def test_patchy_and_even_enhancement_differ():
    spread = []
    for pattern in ("heterogeneous", "homogeneous"):
        _, _, bolus, section = peak(enhancement_pattern=pattern, peak_intensity="isoenhancement")
        inside = bolus.volume[section.distance < -1.5]
        spread.append(inside.std() / inside.mean())
    assert spread[0] > 2 * spread[1]


def test_a_cystic_nodule_stays_dark():
    assert peak(composition_ceus="cystic")[1].max() < 0.15 * peak()[1].max()
