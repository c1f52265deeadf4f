//! Acquisition conditions, plane facts and frame facts.

use parfocal_image::{Conditions, FrameFacts, Objective, PlaneConditions, ScanMode, StagePosition};
use parfocal_types::{
    Result,
    units::{
        Electrons, ElectronsPerGreyLevel, Fraction, GreyLevels, JoulesPerSquareCentimeter, Micrometers,
        Milliwatts, Seconds, Volts,
    },
};

use super::basics::{known, nonzero, or_nan, slice_of};
use crate::operator_1 as raw;

pub(super) fn conditions_out(c: &Conditions) -> raw::Conditions {
    let objective = c.objective.clone().unwrap_or_default();
    let stage = c.stage_position.unwrap_or_default();
    let length = |value: Option<Micrometers>| or_nan(value.map(Micrometers::get));
    raw::Conditions {
        magnification: or_nan(objective.magnification),
        numerical_aperture: or_nan(objective.numerical_aperture),
        immersion_index: or_nan(objective.immersion_index),
        pinhole_um: length(c.pinhole),
        zoom: or_nan(c.zoom),
        exposure_s: or_nan(c.exposure.map(Seconds::get)),
        dwell_s: or_nan(c.dwell.map(Seconds::get)),
        light_power_mw: or_nan(c.light_power.map(Milliwatts::get)),
        light_fraction: or_nan(c.light_fraction.map(Fraction::get)),
        detector_gain_v: or_nan(c.detector_gain.map(Volts::get)),
        detector_offset: or_nan(c.detector_offset.map(GreyLevels::get)),
        camera_gain: or_nan(c.camera_gain.map(ElectronsPerGreyLevel::get)),
        camera_offset: or_nan(c.camera_offset.map(GreyLevels::get)),
        read_noise_e: or_nan(c.read_noise.map(Electrons::get)),
        stage_um: [length(stage.x), length(stage.y), length(stage.z)],
        time_s: or_nan(c.time.map(Seconds::get)),
        dose_j_cm2: or_nan(c.dose.map(JoulesPerSquareCentimeter::get)),
        scan_mode: c.scan_mode.map_or(0, |mode| mode as u32),
        averaging: c.averaging.unwrap_or(0),
        binning: c.binning.unwrap_or_default(),
        bit_depth: c.bit_depth.unwrap_or(0),
        reserved: 0,
    }
}

pub(super) fn conditions_in(c: &raw::Conditions) -> Conditions {
    let objective = Objective {
        magnification: known(c.magnification),
        numerical_aperture: known(c.numerical_aperture),
        immersion_index: known(c.immersion_index),
    };
    let [x, y, z] = c.stage_um.map(|value| known(value).map(Micrometers));
    let stage = StagePosition { x, y, z };
    Conditions {
        objective: (objective != Objective::default()).then_some(objective),
        pinhole: known(c.pinhole_um).map(Micrometers),
        zoom: known(c.zoom),
        scan_mode: ScanMode::from_code(c.scan_mode),
        averaging: nonzero(c.averaging),
        exposure: known(c.exposure_s).map(Seconds),
        dwell: known(c.dwell_s).map(Seconds),
        light_power: known(c.light_power_mw).map(Milliwatts),
        light_fraction: known(c.light_fraction).map(Fraction),
        detector_gain: known(c.detector_gain_v).map(Volts),
        detector_offset: known(c.detector_offset).map(GreyLevels),
        camera_gain: known(c.camera_gain).map(ElectronsPerGreyLevel),
        camera_offset: known(c.camera_offset).map(GreyLevels),
        read_noise: known(c.read_noise_e).map(Electrons),
        binning: (c.binning != [0, 0]).then_some(c.binning),
        bit_depth: nonzero(c.bit_depth),
        stage_position: (stage != StagePosition::default()).then_some(stage),
        time: known(c.time_s).map(Seconds),
        dose: known(c.dose_j_cm2).map(JoulesPerSquareCentimeter),
    }
}

pub(super) fn planes_out(planes: &[PlaneConditions]) -> Vec<raw::PlaneConditions> {
    planes
        .iter()
        .map(|plane| raw::PlaneConditions {
            t: plane.t,
            z: plane.z,
            conditions: conditions_out(&plane.conditions),
        })
        .collect()
}

/// Plane facts of a channel, from the border.
///
/// # Safety
/// When not null, `planes` points to `count` valid elements.
pub(super) unsafe fn read_planes(
    planes: *const raw::PlaneConditions,
    count: u64,
) -> Result<Vec<PlaneConditions>> {
    // SAFETY: as the caller vouches.
    let planes = unsafe { slice_of(planes, count, "plane conditions") }?;
    Ok(planes
        .iter()
        .map(|plane| PlaneConditions { t: plane.t, z: plane.z, conditions: conditions_in(&plane.conditions) })
        .collect())
}

/// Frame facts of a tile, as the border sees them.
#[must_use]
pub fn marshal_frames(frames: &[FrameFacts]) -> Vec<raw::FrameFacts> {
    frames
        .iter()
        .map(|frame| raw::FrameFacts {
            t: frame.t,
            c: frame.c,
            z: frame.z,
            number: frame.number.unwrap_or(0),
            dropped_before: frame.dropped_before,
            number_known: u32::from(frame.number.is_some()),
            reserved: 0,
            conditions: conditions_out(&frame.conditions),
        })
        .collect()
}

/// Frame facts of a tile, from the border.
///
/// # Safety
/// When not null, `frames` points to `count` valid elements.
pub(crate) unsafe fn read_frames(frames: *const raw::FrameFacts, count: u64) -> Result<Vec<FrameFacts>> {
    // SAFETY: as the caller vouches.
    let frames = unsafe { slice_of(frames, count, "frame facts") }?;
    Ok(frames
        .iter()
        .map(|frame| FrameFacts {
            t: frame.t,
            c: frame.c,
            z: frame.z,
            number: (frame.number_known != 0).then_some(frame.number),
            dropped_before: frame.dropped_before,
            conditions: conditions_in(&frame.conditions),
        })
        .collect())
}
