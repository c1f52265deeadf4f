//! The structs of the interface `operator/1-draft`, native.
//!
//! Everything here is plain data: pointers, lengths, numbers. Lengths count elements unless they say bytes. A number
//! that is not known is NaN, or 0 where the field says so. Arrays of size 5 are in the order T C Z Y X. Names such as
//! `PF_PORT_IMAGE` are the header's for the numbers of [`codes`](crate::codes). The rules of order, threads and lifetimes
//! stand at [`OperatorTable`] and [`Host`], because C authors read them there.

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
    /// Diameter of the confocal pinhole, in micrometers.
    pub pinhole_um: f64,
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
    /// How the beam moves: `PF_SCAN_...`.
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

/// What is known of a frame only when it comes: handed over with its pixels, in live work.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct FrameFacts {
    /// Time index of the plane in the image.
    pub t: u64,
    /// Channel index.
    pub c: u64,
    /// Depth index.
    pub z: u64,
    /// The number that the device gave to the frame; counts only when `number_known` is 1.
    pub number: u64,
    /// How many frames of the device were lost between the one before and this one.
    pub dropped_before: u64,
    /// 1 when the device numbers its frames, else 0.
    pub number_known: u32,
    /// Zero.
    pub reserved: u32,
    /// The facts that hold for this plane; unknown ones are the channel's.
    pub conditions: Conditions,
}

/// When the time zero of an acquisition was. The times of planes come from a monotonic clock and count from there.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct TimeAnchor {
    /// 1 when the moment is known; 0, and then nothing else counts, when it is not.
    pub known: u32,
    /// 1 when `clock_id` and `clock_ns` are known too, else 0.
    pub clock_known: u32,
    /// Nanoseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
    pub unix_ns: i64,
    /// What the monotonic clock showed at that moment, in nanoseconds since its own start.
    pub clock_ns: u64,
    /// Which clock that is: times of different clocks cannot be compared.
    pub clock_id: Text,
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
    /// Contrast: `PF_MODALITY_...`.
    pub modality: u32,
    /// Display colour as 0xFFRRGGBB; 0 none.
    pub color: u32,
    /// Where the pixels come from: `PF_CLASS_...`. A plugin reads it; the host decides that of outputs.
    pub pixel_class: u32,
    /// What may be concluded from them: a sum of `PF_SUPPORT_...`. A plugin reads it; the host decides that of outputs.
    pub supports: u32,
    /// Class of the pixels that labels were found on: `PF_CLASS_...`.
    pub labels_basis: u32,
    /// Who found the labels: `PF_FINDER_...`.
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
    /// Pixel type: `PF_U8`, `PF_I8`, `PF_U16`, `PF_I16`, `PF_U32`, `PF_F32`, or `PF_MASK` (bytes 0 and 1).
    pub dtype: u32,
    /// Bits that values really use.
    pub significant_bits: u32,
    /// Size of a pixel along X Y Z, in micrometers.
    pub pixel_size_um: [f64; 3],
    /// Time between time points, in seconds.
    pub time_increment_s: f64,
    /// When the time zero of the planes' times was.
    pub acquired: TimeAnchor,
    /// The channels.
    pub channels: *const Channel,
    /// Number of `channels`: the extent along C.
    pub channel_count: u64,
}

/// An image that is connected to an input port.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct InputSpec {
    /// The number of the port: its place in `Descriptor::inputs`.
    pub port: u32,
    /// Zero.
    pub reserved: u32,
    /// The image.
    pub spec: ImageSpec,
}

/// A tile that goes in. The pixels must not be written (OPR-08).
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct InputTile {
    /// The number of the input port: its place in `Descriptor::inputs`.
    pub port: u32,
    /// Zero.
    pub reserved: u32,
    /// First pixel of the region.
    pub data: *const c_void,
    /// Bytes from the first pixel to the end of the last.
    pub byte_len: u64,
    /// Pixel type, as in the spec.
    pub dtype: u32,
    /// Where the pixels lie: `PF_MEMORY_HOST`. A plugin refuses a space that it does not know.
    pub memory_space: u32,
    /// Handle of device memory; 0 in the host's.
    pub handle: u64,
    /// Where the tile lies in its image, padding included: what `required_input` asked for, cut at the image's edge for
    /// `PF_PAD_CLIP`.
    pub region: Region,
    /// Distance between neighbours along T C Z Y, in pixels; along X it is 1.
    pub strides: [u64; 4],
    /// Extent of the whole image.
    pub full: [u64; 5],
    /// Facts of this tile's planes that were not known when the plan was made (live frames).
    pub frames: *const FrameFacts,
    /// Number of `frames`; usually 0.
    pub frame_count: u64,
}

/// A tile that comes out. The plugin writes every pixel of the region, and nothing outside it (OPR-09).
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct OutputTile {
    /// First pixel of the region.
    pub data: *mut c_void,
    /// Bytes from the first pixel to the end of the last.
    pub byte_len: u64,
    /// Pixel type, as the plan said.
    pub dtype: u32,
    /// Where the pixels lie: `PF_MEMORY_HOST`.
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
    /// One for each input port that is connected, in the order of the ports; each says which port it is for.
    pub inputs: *const InputTile,
    /// Number of `inputs`.
    pub input_count: u64,
    /// One for each image output port, in order; none for `accumulate`.
    pub outputs: *const OutputTile,
    /// Number of `outputs`.
    pub output_count: u64,
    /// The services of the host during this call.
    pub host: *const Host,
}

/// One value: of a parameter, a cell of a table, a field of a record.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Scalar {
    /// `PF_VALUE_FLAG`, `PF_VALUE_INTEGER`, `PF_VALUE_NUMBER` or `PF_VALUE_TEXT`; the value of a choice is a text.
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
    /// The value of a flag (0 or 1) or integer.
    pub integer: i64,
    /// The value of a number; NaN where it is not defined.
    pub number: f64,
    /// The value of a text.
    pub text: Text,
}

/// The value of a parameter.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Name.
    pub name: Text,
    /// The value, of the kind that was declared.
    pub value: Scalar,
}

/// A parameter as an operator declares it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ParameterSpec {
    /// Name in kebab-case.
    pub name: Text,
    /// One sentence for people.
    pub doc: Text,
    /// `PF_SETTING` (describes the experiment) or `PF_TUNABLE` (changes the result).
    pub role: u32,
    /// Unit of a number: `PF_UNIT_...`.
    pub unit: u32,
    /// `PF_VALUE_FLAG`, `PF_VALUE_INTEGER`, `PF_VALUE_NUMBER`, `PF_VALUE_TEXT` or `PF_VALUE_CHOICE`.
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

/// Something that goes in. Ports are known by their number, their place in `Descriptor::inputs`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct InputPort {
    /// Name in kebab-case.
    pub name: Text,
    /// `PF_PORT_IMAGE` or `PF_PORT_LABELS`.
    pub kind: u32,
    /// 1 when it may be left out, else 0.
    pub optional: u32,
    /// Pixel types that are accepted; others are refused before any work.
    pub dtypes: *const u32,
    /// Number of `dtypes`.
    pub dtype_count: u64,
}

/// Something that comes out. Ports are known by their number, their place in `Descriptor::outputs`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct OutputPort {
    /// Name in kebab-case.
    pub name: Text,
    /// `PF_PORT_IMAGE`, `PF_PORT_LABELS`, `PF_PORT_TABLE` or `PF_PORT_RECORD`.
    pub kind: u32,
    /// The class of its pixels before the host joins it with the inputs' classes, `PF_CLASS_...`; what a classical
    /// operation gives is `PF_CLASS_DERIVED`.
    pub yields: u32,
    /// What it still supports if the inputs do, a sum of `PF_SUPPORT_...`; the host intersects.
    pub preserves: u32,
    /// 1 when a neural network makes it, else 0: labels then say that a network found them, and an image has to be
    /// `PF_CLASS_RESTORED` or `PF_CLASS_PREDICTED`.
    pub network: u32,
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
    /// How it consumes its input: `PF_KIND_MAP`, `PF_KIND_REDUCE` or `PF_KIND_WHOLE`.
    pub kind: u32,
    /// From which threads it may be called (OPR-23): `PF_THREADS_SINGLE` (one instance at a time in the process) or
    /// `PF_THREADS_INSTANCE` (instances are independent).
    pub threads: u32,
    /// 1 when equal input gives equal bytes on every machine and in every lane, else 0.
    pub deterministic: u32,
    /// Frames before and after a frame that it looks at.
    pub temporal_window: [u32; 2],
    /// Upper bound of the halo along T C Z Y X over all parameters, in pixels.
    pub max_halo: [u32; 5],
    /// What goes in.
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

/// The answer of `plan`, handed to `Host::answer_plan`. One that is zeroed, but for its size and outputs, says: axes cut
/// anywhere, tiles of any size, no memory of its own.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// The image outputs, in the order of their ports. The host sets class and supports.
    pub outputs: *const ImageSpec,
    /// Number of `outputs`.
    pub output_count: u64,
    /// How each axis of the work may be cut: `PF_TILING_SPLIT` (anywhere), `PF_TILING_EACH` (into single positions),
    /// `PF_TILING_WHOLE` (not at all), `PF_TILING_IN_ORDER` (into single positions that one instance sees from the first
    /// to the last: map operators, one axis at most). The work has the extent of the first image output, or, without one,
    /// of the first connected input.
    pub tiling: [u32; 5],
    /// 1 for each axis over which a reduce operator makes one result.
    pub reduce_over: [u32; 5],
    /// Along an axis that is cut anywhere: tiles' sizes are multiples of this; 0 is read as 1. The last tile may be smaller.
    pub tile_step: [u64; 5],
    /// The largest size of a tile, a multiple of the step; 0: any.
    pub tile_max: [u64; 5],
    /// Upper bound of the instance's own memory for each pixel of a tile's work.
    pub bytes_per_pixel: u32,
    /// Zero.
    pub reserved: u32,
    /// Upper bound of the instance's own memory besides.
    pub bytes: u64,
}

/// The part of an input that is needed for a part of the work, handed to `Host::answer_regions`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct InputRegion {
    /// The number of the port.
    pub port: u32,
    /// What is filled in beyond the image's edge, `PF_PAD_...`; with `PF_PAD_CLIP`, which is 0, the tile ends there. The
    /// same for every part of the work.
    pub padding: u32,
    /// What the operator wants to see, halo included; it may reach beyond the image.
    pub region: Region,
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
    /// 1 when the instance must not be used again, because code in it stopped halfway (a panic, an exception): the host
    /// calls `destroy`, and makes a new instance for its next call. Else 0.
    pub instance_lost: u32,
    /// Which thing, doing what, why.
    pub message: Text,
    /// What the user can do; may be empty.
    pub remedy: Text,
    /// The fields of the kind.
    pub details: *const Detail,
    /// Number of `details`.
    pub detail_count: u64,
}

/// A column of a table output.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name in `snake_case`.
    pub name: Text,
    /// Unit of the values: `PF_UNIT_...`.
    pub unit: u32,
    /// `PF_VALUE_FLAG`, `PF_VALUE_INTEGER`, `PF_VALUE_NUMBER` or `PF_VALUE_TEXT`.
    pub kind: u32,
}

/// One named value of a record output.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name in `snake_case`.
    pub name: Text,
    /// Unit of the value: `PF_UNIT_...`.
    pub unit: u32,
    /// Zero.
    pub reserved: u32,
    /// The value.
    pub value: Scalar,
}

/// The services of the host. Valid until the call that they are given to returns, and called from the thread of that call.
///
/// What is handed to one of these functions is copied before it returns. `create` and `required_input` get no services:
/// during them nothing is logged, nobody asks to stop, and the seed is 0; `set_error` and the answers work.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// The host's own; the first argument of every function.
    pub context: *mut c_void,
    /// The seed of the run, for operators that draw random numbers.
    pub seed: u64,
    /// Writes a line of text into the host's log. Level: `PF_LOG_...`.
    pub log: Option<unsafe extern "C" fn(context: *mut c_void, level: u32, text: Text)>,
    /// Tells how far the call has come, 0 to 1, never falling. A hundred times a second is plenty.
    pub progress: Option<unsafe extern "C" fn(context: *mut c_void, fraction: f32)>,
    /// Not 0 when somebody asked to stop: return `PF_CANCELLED` soon. Ask every few milliseconds, once a row is usual
    /// (OPR-21).
    pub is_cancelled: Option<unsafe extern "C" fn(context: *mut c_void) -> u32>,
    /// Says what went wrong, before its code is returned.
    pub set_error: Option<unsafe extern "C" fn(context: *mut c_void, error: *const ErrorInfo)>,
    /// Takes the answer of `plan`.
    pub answer_plan: Option<unsafe extern "C" fn(context: *mut c_void, plan: *const Plan)>,
    /// Takes the answer of `required_input`: one region for each connected input.
    pub answer_regions:
        Option<unsafe extern "C" fn(context: *mut c_void, regions: *const InputRegion, count: u64)>,
    /// Takes the answer of `accumulate`, `merge`, `finish` and `save`.
    pub answer_bytes: Option<unsafe extern "C" fn(context: *mut c_void, bytes: Bytes)>,
    /// Declares the columns of a table output, once, before its rows. Returns 0 or an error code.
    pub emit_columns: Option<
        unsafe extern "C" fn(context: *mut c_void, port: u32, columns: *const Column, count: u64) -> i32,
    >,
    /// Adds rows to a table output: `row_count` times as many scalars as there are columns, at most 2^24 in one call; more
    /// rows come in further calls. Returns 0 or an error code.
    pub emit_rows: Option<
        unsafe extern "C" fn(context: *mut c_void, port: u32, scalars: *const Scalar, row_count: u64) -> i32,
    >,
    /// Adds a value to a record output. Returns 0 or an error code.
    pub emit_field: Option<unsafe extern "C" fn(context: *mut c_void, port: u32, field: *const Field) -> i32>,
    /// Asks for a service that a host may lack, by an id with a version of its own, such as `infer/1`. The answer is null
    /// when the host does not have it, else a table of functions: it starts with its own size in bytes as an u64, is
    /// valid during the call, its functions take `context` first, and the type behind an id is frozen. This struct
    /// itself never changes within a version of the interface.
    ///
    /// What a service hands out may outlive the call: a handle, such as a session of inference, belongs to the instance
    /// in whose call it was opened. Later calls of that instance may use it, and no other instance may. The host ends it
    /// after the instance is destroyed or lost; an instance that is made anew opens it again in its `plan`.
    pub get_extension: Option<unsafe extern "C" fn(context: *mut c_void, id: Text) -> *const c_void>,
}

/// The interface `operator`: what a plugin answers to `get_interface("operator", ...)`.
///
/// Functions return 0, or an error code after `Host::set_error`. `instance` is what `create` wrote. Marks such as OPR-05
/// are the numbers of the rules, which the conformance suite tests one by one.
///
/// Order of calls: `create` only stores its parameters. `plan` comes first, once; then any number of `required_input`,
/// `run` and `accumulate`. An operator of kind reduce gets, for each group of the axes that are not reduced: `accumulate`
/// for every tile (perhaps on several instances), `merge` from left to right in the order of the tiles, `finish` on one
/// instance, and, if it has image outputs, `conclude` on every instance and `run` for the same tiles. A new group needs
/// no forgetting. An operator that planned `PF_TILING_IN_ORDER` gets sequences: `reset`, then `run` for the positions
/// along that axis from the first to the last, for one place of the other axes, on one instance; then perhaps another
/// place, again after a `reset` (OPR-18).
///
/// Threads: an instance is used by one thread at a time, and by several in turn. Different instances work at once, unless
/// the descriptor says `PF_THREADS_SINGLE` (OPR-23).
///
/// Lifetimes: everything that a call is handed (specs, tiles, texts, bytes, the host) is valid until the call returns,
/// and no longer. This table, the descriptors and what they point to are valid, and the same, until the process ends.
///
/// What every operator keeps to: what comes out has the size, type, pixel size and channels that `plan` said (OPR-01),
/// and inputs that cannot be processed are refused there (OPR-02). Every pixel of an output tile is written. Nothing
/// outside the tiles is read or written (OPR-09), and inputs are not changed (OPR-08). The result depends on the image
/// alone: not on the cut into tiles (OPR-05), their order or the number of instances (OPR-07), nor on anything beyond
/// the halo that was asked for (OPR-06); nor on time, language or folder (OPR-31). Nothing unwinds across the border
/// (ABI-12).
///
/// Errors: after an error the instance stays usable for the next `run`, unless the error says `instance_lost`; the
/// outputs of the failed call are thrown away. An instance that was in the middle of a sequence starts again with
/// `reset`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct OperatorTable {
    /// Size of this struct in bytes.
    pub struct_size: u64,
    /// The first of the operators that the plugin has.
    pub operators: *const Descriptor,
    /// Number of `operators`.
    pub operator_count: u64,
    /// Bytes from one descriptor to the next: more than the size of one when each lies in a larger struct of the plugin's
    /// own; 0 is read as the size of one.
    pub operator_stride: u64,
    /// Makes an instance of an operator with complete, checked parameters, and only stores them: no work, no services.
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
    /// Answers what comes out for these inputs, through `Host::answer_plan`. There is one spec for each connected input
    /// port, in the order of the ports; an optional port may be left out anywhere. Inputs that cannot be processed are
    /// refused here (OPR-02).
    pub plan: Option<
        unsafe extern "C" fn(
            instance: *mut c_void,
            host: *const Host,
            inputs: *const InputSpec,
            input_count: u64,
        ) -> i32,
    >,
    /// Answers which part of each connected input the part `core` of the work needs, halo included, through
    /// `Host::answer_regions`. Asked often: a short computation without services, the same answer for the same question.
    pub required_input:
        Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host, core: *const Region) -> i32>,
    /// Forgets what was seen: a new sequence starts (OPR-18). Null for operators without memory.
    pub reset: Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host) -> i32>,
    /// Computes the output tiles from the input tiles.
    pub run: Option<unsafe extern "C" fn(instance: *mut c_void, call: *const Call) -> i32>,
    /// Computes the partial result of a tile, through `Host::answer_bytes`. Null unless the plugin reduces.
    pub accumulate: Option<unsafe extern "C" fn(instance: *mut c_void, call: *const Call) -> i32>,
    /// Joins two partial results, the left of earlier tiles, through `Host::answer_bytes`. Null unless the plugin reduces.
    pub merge: Option<
        unsafe extern "C" fn(instance: *mut c_void, host: *const Host, left: Bytes, right: Bytes) -> i32,
    >,
    /// Gives rows and fields, and the conclusion through `Host::answer_bytes`. Null unless the plugin reduces.
    pub finish: Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host, total: Bytes) -> i32>,
    /// Takes the conclusion before the second pass; a later one takes the place of an earlier one. Null unless the plugin
    /// reduces and gives pixels.
    pub conclude:
        Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host, conclusion: Bytes) -> i32>,
    /// Gives the state of a sequence, through `Host::answer_bytes`. Null for operators without memory.
    pub save: Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host) -> i32>,
    /// Takes a state that `save` gave, perhaps from an earlier version of the plugin (ABI-15). Null for operators without
    /// memory.
    pub load: Option<unsafe extern "C" fn(instance: *mut c_void, host: *const Host, state: Bytes) -> i32>,
    /// Asks for something that came later, by an id with a version of its own; null when the plugin does not have it.
    /// The rules are those of `Host::get_extension`, but that the answer is valid until the process ends.
    pub get_extension: Option<unsafe extern "C" fn(id: Text) -> *const c_void>,
}

boundary! { LAYOUTS:
    Text { data, len }
    Bytes { data, len }
    Region { origin, extent }
    Conditions {
        magnification, numerical_aperture, immersion_index, pinhole_um, zoom, exposure_s, dwell_s, light_power_mw,
        light_fraction, detector_gain_v, detector_offset, camera_gain, camera_offset, read_noise_e, stage_um,
        time_s, dose_j_cm2, scan_mode, averaging, binning, bit_depth, reserved,
    }
    PlaneConditions { t, z, conditions }
    FrameFacts { t, c, z, number, dropped_before, number_known, reserved, conditions }
    TimeAnchor { known, clock_known, unix_ns, clock_ns, clock_id }
    Channel {
        name, excitation_nm, emission_nm, modality, color, pixel_class, supports, labels_basis, labels_finder,
        finder_operator, finder_model, conditions, planes, plane_count,
    }
    ImageSpec {
        struct_size, name, extent, dtype, significant_bits, pixel_size_um, time_increment_s, acquired, channels,
        channel_count,
    }
    InputSpec { port, reserved, spec }
    InputTile {
        port, reserved, data, byte_len, dtype, memory_space, handle, region, strides, full, frames, frame_count,
    }
    OutputTile { data, byte_len, dtype, memory_space, handle, region, strides, full }
    Call { struct_size, core, inputs, input_count, outputs, output_count, host }
    Scalar { kind, reserved, integer, number, text }
    Parameter { name, value }
    ParameterSpec {
        name, doc, role, unit, kind, reserved, integer_default, integer_min, integer_max, number_default,
        number_min, number_max, text_default, options, option_count,
    }
    InputPort { name, kind, optional, dtypes, dtype_count }
    OutputPort { name, kind, yields, preserves, network }
    Descriptor {
        struct_size, id, summary, kind, threads, deterministic, temporal_window, max_halo, inputs, input_count,
        outputs, output_count, parameters, parameter_count,
    }
    Plan {
        struct_size, outputs, output_count, tiling, reduce_over, tile_step, tile_max, bytes_per_pixel, reserved,
        bytes,
    }
    InputRegion { port, padding, region }
    Detail { key, value }
    ErrorInfo { code, instance_lost, message, remedy, details, detail_count }
    Column { name, unit, kind }
    Field { name, unit, reserved, value }
    Host {
        struct_size, context, seed, log, progress, is_cancelled, set_error, answer_plan, answer_regions,
        answer_bytes, emit_columns, emit_rows, emit_field, get_extension,
    }
    OperatorTable {
        struct_size, operators, operator_count, operator_stride, create, destroy, plan, required_input, reset, run,
        accumulate, merge, finish, conclude, save, load, get_extension,
    }
}
