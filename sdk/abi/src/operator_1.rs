//! The structs of the interface `operator/1-draft`, native.
//!
//! Everything here is plain data: pointers, lengths, numbers. Lengths count elements unless they say bytes. A number
//! that is not known is NaN, or 0 where the field says so. Arrays of size 5 are in the order T C Z Y X. Calls on one
//! instance come one after the other, perhaps from different threads; calls on different instances may come at once.

use core::ffi::c_void;

use crate::layout::boundary;

/// UTF-8 text: not terminated, valid during the call that it is passed to.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// First byte; may be null when `len` is 0.
    pub data: *const u8,
    /// Number of bytes.
    pub len: u64,
}

/// Bytes that are the plugin's own business: partial results, conclusions, states.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Bytes {
    /// First byte; may be null when `len` is 0.
    pub data: *const u8,
    /// Number of bytes.
    pub len: u64,
}

/// A box of pixels: where it starts in the image (negative before it), and its size.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Region {
    /// First pixel along T C Z Y X.
    pub origin: [i64; 5],
    /// Size along T C Z Y X.
    pub extent: [u64; 5],
}

/// How pixels were taken. NaN, or 0 in the whole numbers: unknown.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Conditions {
    /// Nominal magnification of the objective.
    pub magnification: f64,
    /// Numerical aperture of the objective.
    pub numerical_aperture: f64,
    /// Refractive index of the immersion medium.
    pub immersion_index: f64,
    /// Zoom of the scanner.
    pub zoom: f64,
    /// Time that the sensor integrates, in seconds.
    pub exposure_s: f64,
    /// Time that the beam rests on a pixel, in seconds.
    pub dwell_s: f64,
    /// Light power at the sample, in milliwatts.
    pub light_power_mw: f64,
    /// Light power as a share of the maximum, 0 to 1.
    pub light_fraction: f64,
    /// High voltage of a photomultiplier, in volts.
    pub detector_gain_v: f64,
    /// Grey level of a dark photomultiplier pixel.
    pub detector_offset: f64,
    /// Photoelectrons for one grey level of a camera.
    pub camera_gain: f64,
    /// Grey level of a dark camera pixel.
    pub camera_offset: f64,
    /// Standard deviation of the read noise, in photoelectrons.
    pub read_noise_e: f64,
    /// Position of the stage along X Y Z, in micrometers.
    pub stage_um: [f64; 3],
    /// Time since the first plane, in seconds.
    pub time_s: f64,
    /// Light that the sample received for the plane, in joules per square centimeter.
    pub dose_j_cm2: f64,
    /// 1 widefield, 2 galvano, 3 resonant, 4 spinning disk; 0 unknown.
    pub scan_mode: u32,
    /// Frames or lines averaged into one; 0 unknown.
    pub averaging: u32,
    /// Sensor pixels joined along X and Y; 0 unknown.
    pub binning: [u32; 2],
    /// Bits of the converter; 0 unknown.
    pub bit_depth: u32,
    /// Zero.
    pub reserved: u32,
}

/// Facts of one plane that differ from its channel's.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PlaneConditions {
    /// Time index of the plane.
    pub t: u64,
    /// Depth index of the plane.
    pub z: u64,
    /// The facts; unknown ones are the channel's.
    pub conditions: Conditions,
}

/// One channel of an image.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Channel {
    /// Name; may be empty.
    pub name: Text,
    /// Excitation wavelength in nanometers.
    pub excitation_nm: f64,
    /// Emission wavelength in nanometers.
    pub emission_nm: f64,
    /// 1 widefield fluorescence, 2 confocal, 3 spinning disk, 4 multiphoton, 5 light sheet, 6 brightfield, 7 phase
    /// contrast, 8 differential interference contrast, 9 other; 0 unknown.
    pub modality: u32,
    /// Display colour as 0xFFRRGGBB; 0 none.
    pub color: u32,
    /// 0 unknown, 1 measured, 2 derived, 3 restored, 4 predicted, 5 labels. A plugin reads it; the host decides that of
    /// outputs.
    pub pixel_class: u32,
    /// Sum of: 1 localisation, 2 counting, 4 gross morphology, 8 fine detail, 16 intensity, 32 rare-event search, 64
    /// rare-event frequency. A plugin reads it; the host decides that of outputs.
    pub supports: u32,
    /// Class of the pixels that labels were found on.
    pub labels_basis: u32,
    /// 0 no labels, 1 classical operator, 2 network, 3 person.
    pub labels_finder: u32,
    /// Id and version of the operator that found labels.
    pub finder_operator: Text,
    /// Id, version and hash of the model that found labels.
    pub finder_model: Text,
    /// Facts of all planes.
    pub conditions: Conditions,
    /// Facts of single planes, sorted by t and z.
    pub planes: *const PlaneConditions,
    /// Number of `planes`.
    pub plane_count: u64,
}

/// Everything about an image but its pixels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ImageSpec {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// Name; may be empty.
    pub name: Text,
    /// Size along T C Z Y X.
    pub extent: [u64; 5],
    /// Pixel type: 1 u8, 2 i8, 3 u16, 4 i16, 5 u32, 6 f32, 7 mask (bytes 0 and 1).
    pub dtype: u32,
    /// Bits that values really use.
    pub significant_bits: u32,
    /// Size of a pixel along X Y Z, in micrometers.
    pub pixel_size_um: [f64; 3],
    /// Time between time points, in seconds.
    pub time_increment_s: f64,
    /// The channels.
    pub channels: *const Channel,
    /// Number of `channels`: the extent along C.
    pub channel_count: u64,
}

/// A tile that goes in. The pixels must not be written.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct InputTile {
    /// First pixel of the region.
    pub data: *const c_void,
    /// Bytes from the first pixel to the end of the last.
    pub byte_len: u64,
    /// Pixel type, as in the spec.
    pub dtype: u32,
    /// Where the pixels lie: 0 the host's memory. A plugin refuses a space that it does not know.
    pub memory_space: u32,
    /// Handle of device memory; 0 in the host's.
    pub handle: u64,
    /// Where the tile lies in its image, padding included.
    pub region: Region,
    /// Distance between neighbours along T C Z Y, in pixels; along X it is 1.
    pub strides: [u64; 4],
    /// Extent of the whole image.
    pub full: [u64; 5],
    /// Facts of this tile's planes that were not known when the plan was made.
    pub planes: *const PlaneConditions,
    /// Number of `planes`; usually 0.
    pub plane_count: u64,
}

/// A tile that comes out. The plugin writes every pixel of the region, and nothing else.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct OutputTile {
    /// First pixel of the region.
    pub data: *mut c_void,
    /// Bytes from the first pixel to the end of the last.
    pub byte_len: u64,
    /// Pixel type, as the plan said.
    pub dtype: u32,
    /// Where the pixels lie: 0 the host's memory.
    pub memory_space: u32,
    /// Handle of device memory; 0 in the host's.
    pub handle: u64,
    /// Where the tile lies in its image.
    pub region: Region,
    /// Distance between neighbours along T C Z Y, in pixels; along X it is 1.
    pub strides: [u64; 4],
    /// Extent of the whole image.
    pub full: [u64; 5],
}

/// The work of one call of `run` or `accumulate`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// The part of the work that this call is for, without halo.
    pub core: Region,
    /// One for each connected input port.
    pub inputs: *const InputTile,
    /// Number of `inputs`.
    pub input_count: u64,
    /// One for each image output port; none for `accumulate`.
    pub outputs: *const OutputTile,
    /// Number of `outputs`.
    pub output_count: u64,
    /// The services of the host during this call.
    pub host: *const Host,
}

/// The value of a parameter.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Name.
    pub name: Text,
    /// 1 flag (in `integer`, 0 or 1), 2 integer, 3 number, 4 text or choice.
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
    /// The value of a flag or integer.
    pub integer: i64,
    /// The value of a number.
    pub number: f64,
    /// The value of a text or choice.
    pub text: Text,
}

/// A parameter as an operator declares it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ParameterSpec {
    /// Name in kebab-case.
    pub name: Text,
    /// One sentence for people.
    pub doc: Text,
    /// 1 setting (describes the experiment), 2 tunable (changes the result).
    pub role: u32,
    /// Unit: 0 none, 1 pixel, 2 micrometer, 5 nanometer, 6 second, 10 percent, 13 grey level; all are in the manual.
    pub unit: u32,
    /// 1 flag, 2 integer, 3 number, 4 choice, 5 text.
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
    /// Default of a flag or integer.
    pub integer_default: i64,
    /// Smallest integer accepted.
    pub integer_min: i64,
    /// Largest integer accepted.
    pub integer_max: i64,
    /// Default of a number.
    pub number_default: f64,
    /// Smallest number accepted.
    pub number_min: f64,
    /// Largest number accepted.
    pub number_max: f64,
    /// Default of a text or choice.
    pub text_default: Text,
    /// The words of a choice.
    pub options: *const Text,
    /// Number of `options`.
    pub option_count: u64,
}

/// An image that goes in.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct InputPort {
    /// Name in kebab-case.
    pub name: Text,
    /// Pixel types that are accepted.
    pub dtypes: *const u32,
    /// Number of `dtypes`.
    pub dtype_count: u64,
    /// 1 when the image must hold labels, else 0.
    pub labels: u32,
    /// 1 when it may be left out, else 0.
    pub optional: u32,
}

/// Something that comes out.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct OutputPort {
    /// Name in kebab-case.
    pub name: Text,
    /// 1 image, 2 labels, 3 table, 4 record.
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
}

/// An operator as it declares itself.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Descriptor {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// Name in kebab-case, unique within the plugin.
    pub id: Text,
    /// One sentence for people.
    pub summary: Text,
    /// 1 map, 2 reduce, 3 whole.
    pub kind: u32,
    /// 1 one instance at a time, 2 independent instances.
    pub threads: u32,
    /// 1 when equal input gives equal bytes everywhere, else 0.
    pub deterministic: u32,
    /// Class of the outputs before it is joined with the inputs'.
    pub yields: u32,
    /// Supports that are kept when the inputs have them.
    pub preserves: u32,
    /// Frames before and after that it looks at.
    pub temporal_window: [u32; 2],
    /// Upper bound of the halo along T C Z Y X.
    pub max_halo: [u32; 5],
    /// Images that go in.
    pub inputs: *const InputPort,
    /// Number of `inputs`.
    pub input_count: u64,
    /// What comes out.
    pub outputs: *const OutputPort,
    /// Number of `outputs`.
    pub output_count: u64,
    /// Parameters.
    pub parameters: *const ParameterSpec,
    /// Number of `parameters`.
    pub parameter_count: u64,
}

/// The answer of `plan`, handed to `Host::answer_plan`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// The image outputs, in the order of their ports.
    pub outputs: *const ImageSpec,
    /// Number of `outputs`.
    pub output_count: u64,
    /// How each axis may be cut: 0 anywhere, 1 into single positions only, 2 not at all.
    pub tiling: [u32; 5],
    /// 1 for each axis over which a reduce operator makes one result.
    pub reduce_over: [u32; 5],
    /// Filled in beyond the image: 0 nothing (the tile is clipped), 1 symmetric, 2 reflect, 3 edge, 4 zero.
    pub padding: u32,
    /// Upper bound of the instance's own memory for each pixel of a tile's work.
    pub bytes_per_pixel: u32,
    /// Upper bound of the instance's own memory besides.
    pub bytes: u64,
}

/// A detail of an error, as its kind has it: `min`, `max`, `got`, `what`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Detail {
    /// Name of the field.
    pub key: Text,
    /// Its value.
    pub value: Text,
}

/// What went wrong, handed to `Host::set_error` before a code is returned.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ErrorInfo {
    /// The code that will be returned.
    pub code: i32,
    /// Zero.
    pub reserved: u32,
    /// Which thing, doing what, why.
    pub message: Text,
    /// What the user can do; may be empty.
    pub remedy: Text,
    /// The fields of the kind.
    pub details: *const Detail,
    /// Number of `details`.
    pub detail_count: u64,
}

/// One value of a table or record.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Scalar {
    /// 0 flag (in `integer`, 0 or 1), 1 integer, 2 number, 3 text.
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
    /// The value of a flag or integer.
    pub integer: i64,
    /// The value of a number; NaN where it is not defined.
    pub number: f64,
    /// The value of a text.
    pub text: Text,
}

/// A column of a table output.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name in `snake_case`.
    pub name: Text,
    /// Unit of the values.
    pub unit: u32,
    /// 0 flag, 1 integer, 2 number, 3 text.
    pub kind: u32,
}

/// One named value of a record output.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name in `snake_case`.
    pub name: Text,
    /// Unit of the value.
    pub unit: u32,
    /// Zero.
    pub reserved: u32,
    /// The value.
    pub value: Scalar,
}

/// The services of the host, valid during the call that they are given to, from the thread of that call.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// The host's own; the first argument of every function.
    pub context: *mut c_void,
    /// The seed of the run, for operators that draw random numbers.
    pub seed: u64,
    /// Writes a line of text into the host's log. Level: 1 error, 2 warning, 3 info, 4 debug.
    pub log: Option<unsafe extern "C" fn(context: *mut c_void, level: u32, text: Text)>,
    /// Tells how far the call has come, 0 to 1, never falling.
    pub progress: Option<unsafe extern "C" fn(context: *mut c_void, fraction: f32)>,
    /// Not 0 when somebody asked to stop: return 11 (`cancelled`) soon.
    pub is_cancelled: Option<unsafe extern "C" fn(context: *mut c_void) -> u32>,
    /// Says what went wrong, before its code is returned.
    pub set_error: Option<unsafe extern "C" fn(context: *mut c_void, error: *const ErrorInfo)>,
    /// Takes the answer of `plan`.
    pub answer_plan: Option<unsafe extern "C" fn(context: *mut c_void, plan: *const Plan)>,
    /// Takes the answer of `required_input`: one region for each connected input.
    pub answer_regions:
        Option<unsafe extern "C" fn(context: *mut c_void, regions: *const Region, count: u64)>,
    /// Takes the answer of `accumulate`, `merge`, `finish` and `save`.
    pub answer_bytes: Option<unsafe extern "C" fn(context: *mut c_void, bytes: Bytes)>,
    /// Declares the columns of a table output, once, before its rows. Returns 0 or an error code.
    pub emit_columns: Option<
        unsafe extern "C" fn(context: *mut c_void, port: u32, columns: *const Column, count: u64) -> i32,
    >,
    /// Adds rows to a table output: `row_count` times as many scalars as there are columns. Returns 0 or an error code.
    pub emit_rows: Option<
        unsafe extern "C" fn(context: *mut c_void, port: u32, scalars: *const Scalar, row_count: u64) -> i32,
    >,
    /// Adds a value to a record output. Returns 0 or an error code.
    pub emit_field: Option<unsafe extern "C" fn(context: *mut c_void, port: u32, field: *const Field) -> i32>,
    /// Asks for a service that came later, by id; null when the host does not have it.
    pub get_extension: Option<unsafe extern "C" fn(context: *mut c_void, id: Text) -> *const c_void>,
}

/// The interface `operator`: what a plugin answers to `get_interface("operator", ...)`.
///
/// Functions return 0 or an error code. `self` is what `create` wrote.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct OperatorTable {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// The operators that the plugin has.
    pub operators: *const Descriptor,
    /// Number of `operators`.
    pub operator_count: u64,
    /// Makes an instance of an operator with complete, checked parameters.
    pub create: Option<
        unsafe extern "C" fn(
            host: *const Host,
            operator_id: Text,
            parameters: *const Parameter,
            parameter_count: u64,
            instance: *mut *mut c_void,
        ) -> i32,
    >,
    /// Ends an instance.
    pub destroy: Option<unsafe extern "C" fn(instance: *mut c_void)>,
    /// Answers what comes out for these inputs, through `Host::answer_plan`.
    pub plan: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            host: *const Host,
            inputs: *const ImageSpec,
            input_count: u64,
        ) -> i32,
    >,
    /// Answers which part of each input the region needs, through `Host::answer_regions`.
    pub required_input:
        Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host, core: *const Region) -> i32>,
    /// Forgets what was seen; a new sequence starts.
    pub reset: Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host) -> i32>,
    /// Computes the output tiles.
    pub run: Option<unsafe extern "C" fn(instance: *mut c_void, call: *const Call) -> i32>,
    /// Computes the partial result of a tile, through `Host::answer_bytes`. Null unless the plugin reduces.
    pub accumulate: Option<unsafe extern "C" fn(instance: *mut c_void, call: *const Call) -> i32>,
    /// Joins two partial results, the left of earlier tiles, through `Host::answer_bytes`. Null unless the plugin reduces.
    pub merge: Option<
        unsafe extern "C" fn(instance: *mut c_void, host: *const Host, left: Bytes, right: Bytes) -> i32,
    >,
    /// Gives rows and fields, and the conclusion through `Host::answer_bytes`. Null unless the plugin reduces.
    pub finish: Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host, total: Bytes) -> i32>,
    /// Takes the conclusion before the second pass. Null unless the plugin reduces and gives pixels.
    pub conclude:
        Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host, conclusion: Bytes) -> i32>,
    /// Gives the state of a sequence, through `Host::answer_bytes`. Null for operators without memory.
    pub save: Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host) -> i32>,
    /// Takes a state. Null for operators without memory.
    pub load: Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host, state: Bytes) -> i32>,
    /// Asks for something that came later, by id; null when the plugin does not have it.
    pub get_extension: Option<unsafe extern "C" fn(id: Text) -> *const c_void>,
}

boundary! { LAYOUTS:
    Text { data, len }
    Bytes { data, len }
    Region { origin, extent }
    Conditions {
        magnification, numerical_aperture, immersion_index, zoom, exposure_s, dwell_s, light_power_mw,
        light_fraction, detector_gain_v, detector_offset, camera_gain, camera_offset, read_noise_e, stage_um,
        time_s, dose_j_cm2, scan_mode, averaging, binning, bit_depth, reserved,
    }
    PlaneConditions { t, z, conditions }
    Channel {
        name, excitation_nm, emission_nm, modality, color, pixel_class, supports, labels_basis, labels_finder,
        finder_operator, finder_model, conditions, planes, plane_count,
    }
    ImageSpec {
        struct_size, name, extent, dtype, significant_bits, pixel_size_um, time_increment_s, channels,
        channel_count,
    }
    InputTile {
        data, byte_len, dtype, memory_space, handle, region, strides, full, planes, plane_count,
    }
    OutputTile { data, byte_len, dtype, memory_space, handle, region, strides, full }
    Call { struct_size, core, inputs, input_count, outputs, output_count, host }
    Parameter { name, kind, reserved, integer, number, text }
    ParameterSpec {
        name, doc, role, unit, kind, reserved, integer_default, integer_min, integer_max, number_default,
        number_min, number_max, text_default, options, option_count,
    }
    InputPort { name, dtypes, dtype_count, labels, optional }
    OutputPort { name, kind, reserved }
    Descriptor {
        struct_size, id, summary, kind, threads, deterministic, yields, preserves, temporal_window, max_halo,
        inputs, input_count, outputs, output_count, parameters, parameter_count,
    }
    Plan {
        struct_size, outputs, output_count, tiling, reduce_over, padding, bytes_per_pixel, bytes,
    }
    Detail { key, value }
    ErrorInfo { code, reserved, message, remedy, details, detail_count }
    Scalar { kind, reserved, integer, number, text }
    Column { name, unit, kind }
    Field { name, unit, reserved, value }
    Host {
        struct_size, context, seed, log, progress, is_cancelled, set_error, answer_plan, answer_regions,
        answer_bytes, emit_columns, emit_rows, emit_field, get_extension,
    }
    OperatorTable {
        struct_size, operators, operator_count, create, destroy, plan, required_input, reset, run, accumulate,
        merge, finish, conclude, save, load, get_extension,
    }
}
