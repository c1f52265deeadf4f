/* parfocal.h: the native interface of Parfocal for plugins in C and C++.
 *
 * Generated from the Rust sources of `parfocal-abi`; do not edit. SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A plugin is a shared library that exports one symbol:
 *
 *     const pf_entry *parfocal_entry(uint32_t host_min, uint32_t host_max);
 *
 * The macros at the end write it. Build with `cc -shared -fPIC -fvisibility=hidden -o libmine.so mine.c`, or with
 * `c++ -std=c++20` and the same flags.
 *
 * Rules: nothing is allocated on one side and freed on the other; what has no known size is handed to a function of
 * pf_host, which copies it; texts are UTF-8 with a length; functions return PF_OK or an error code after set_error;
 * nothing unwinds across the border. A field that is `Zero.` is written as 0 and not read. In what is named `a::b`, `a`
 * is a struct of this file (`Host` is pf_host) and `b` a field of it. The rules of order, threads and lifetimes stand at
 * pf_operator_table and pf_host.
 */
#ifndef PARFOCAL_H
#define PARFOCAL_H

#include <stddef.h>
#include <stdint.h>

/* Versions. */
#define PF_ENTRY_VERSION 1u
#define PF_OPERATOR_VERSION 0x00010002u
#define PF_OPERATOR_VERSION_TEXT "1-draft.2"

/* Status codes. */
#define PF_OK 0
#define PF_NOT_SUPPORTED 1
#define PF_NOT_FOUND 2
#define PF_INVALID_ARGUMENT 3
#define PF_OUT_OF_RANGE 4
#define PF_READ_ONLY 5
#define PF_LOCKED 6
#define PF_BAD_STATE 7
#define PF_WRONG_THREAD 8
#define PF_BUSY 9
#define PF_TIMEOUT 10
#define PF_CANCELLED 11
#define PF_LOST 12
#define PF_PROTOCOL 13
#define PF_DEVICE_FAULT 14
#define PF_INTERLOCK 15
#define PF_LIMIT_HIT 16
#define PF_BUFFER_OVERFLOW 17
#define PF_DATA_INCOMPLETE 18
#define PF_PERMISSION_DENIED 19
#define PF_INCOMPATIBLE 20
#define PF_MISSING_RUNTIME 21
#define PF_UNFIT 22
#define PF_OUT_OF_MEMORY 23
#define PF_CORRUPT 24
#define PF_PLUGIN_DIED 25
#define PF_INTERNAL 26

/* Places in arrays of size 5. */
#define PF_AXIS_T 0u
#define PF_AXIS_C 1u
#define PF_AXIS_Z 2u
#define PF_AXIS_Y 3u
#define PF_AXIS_X 4u

/* Pixel types. */
#define PF_U8 1u
#define PF_I8 2u
#define PF_U16 3u
#define PF_I16 4u
#define PF_U32 5u
#define PF_F32 6u
#define PF_MASK 7u

/* Where pixels lie. */
#define PF_MEMORY_HOST 0u

/* Kinds of operators. */
#define PF_KIND_MAP 1u
#define PF_KIND_REDUCE 2u
#define PF_KIND_WHOLE 3u

/* Which calls may come at once. */
#define PF_THREADS_SINGLE 1u
#define PF_THREADS_INSTANCE 2u

/* What goes through a port. */
#define PF_PORT_IMAGE 1u
#define PF_PORT_LABELS 2u
#define PF_PORT_TABLE 3u
#define PF_PORT_RECORD 4u

/* How far an axis may be cut. */
#define PF_TILING_SPLIT 0u
#define PF_TILING_EACH 1u
#define PF_TILING_WHOLE 2u
#define PF_TILING_IN_ORDER 3u

/* What is filled in beyond the image. */
#define PF_PAD_CLIP 0u
#define PF_PAD_SYMMETRIC 1u
#define PF_PAD_REFLECT 2u
#define PF_PAD_EDGE 3u
#define PF_PAD_ZERO 4u

/* Pixel classes. */
#define PF_CLASS_UNKNOWN 0u
#define PF_CLASS_MEASURED 1u
#define PF_CLASS_DERIVED 2u
#define PF_CLASS_RESTORED 3u
#define PF_CLASS_PREDICTED 4u
#define PF_CLASS_LABELS 5u

/* Supports, to be summed. */
#define PF_SUPPORT_NONE 0u
#define PF_SUPPORT_LOCALISATION 1u
#define PF_SUPPORT_COUNTING 2u
#define PF_SUPPORT_GROSS_MORPHOLOGY 4u
#define PF_SUPPORT_FINE_DETAIL 8u
#define PF_SUPPORT_INTENSITY 16u
#define PF_SUPPORT_RARE_EVENT_SEARCH 32u
#define PF_SUPPORT_RARE_EVENT_FREQUENCY 64u
#define PF_SUPPORT_ALL 127u

/* Who found labels. */
#define PF_FINDER_NONE 0u
#define PF_FINDER_CLASSICAL 1u
#define PF_FINDER_NETWORK 2u
#define PF_FINDER_MANUAL 3u

/* Contrasts. */
#define PF_MODALITY_UNKNOWN 0u
#define PF_MODALITY_WIDEFIELD_FLUORESCENCE 1u
#define PF_MODALITY_CONFOCAL 2u
#define PF_MODALITY_SPINNING_DISK 3u
#define PF_MODALITY_MULTIPHOTON 4u
#define PF_MODALITY_LIGHT_SHEET 5u
#define PF_MODALITY_BRIGHTFIELD 6u
#define PF_MODALITY_PHASE_CONTRAST 7u
#define PF_MODALITY_DIC 8u
#define PF_MODALITY_OTHER 9u

/* How the beam moves. */
#define PF_SCAN_UNKNOWN 0u
#define PF_SCAN_WIDEFIELD 1u
#define PF_SCAN_GALVANO 2u
#define PF_SCAN_RESONANT 3u
#define PF_SCAN_SPINNING_DISK 4u

/* Units. */
#define PF_UNIT_NONE 0u
#define PF_UNIT_PIXEL 1u
#define PF_UNIT_MICROMETER 2u
#define PF_UNIT_SQUARE_MICROMETER 3u
#define PF_UNIT_CUBIC_MICROMETER 4u
#define PF_UNIT_NANOMETER 5u
#define PF_UNIT_SECOND 6u
#define PF_UNIT_MILLIWATT 7u
#define PF_UNIT_VOLT 8u
#define PF_UNIT_DECIBEL 9u
#define PF_UNIT_PERCENT 10u
#define PF_UNIT_FRACTION 11u
#define PF_UNIT_COUNT 12u
#define PF_UNIT_GREY_LEVEL 13u
#define PF_UNIT_ELECTRON 14u
#define PF_UNIT_PHOTON 15u
#define PF_UNIT_DEGREE 16u
#define PF_UNIT_CELSIUS 17u
#define PF_UNIT_JOULE_PER_SQUARE_CENTIMETER 18u
#define PF_UNIT_SQUARE_PIXEL 19u
#define PF_UNIT_CUBIC_PIXEL 20u

/* Roles of parameters. */
#define PF_SETTING 1u
#define PF_TUNABLE 2u

/* Kinds of values: parameters, scalars, columns. */
#define PF_VALUE_FLAG 1u
#define PF_VALUE_INTEGER 2u
#define PF_VALUE_NUMBER 3u
#define PF_VALUE_TEXT 4u
#define PF_VALUE_CHOICE 5u

/* How much a line of the log matters. */
#define PF_LOG_ERROR 1u
#define PF_LOG_WARNING 2u
#define PF_LOG_INFO 3u
#define PF_LOG_DEBUG 4u

// UTF-8 text: not terminated, valid during the call that it is passed to.
typedef struct pf_text {
  // First byte; may be null when `len` is 0.
  const uint8_t *data;
  // Number of bytes.
  uint64_t len;
} pf_text;

// The answer to [`Entry::get_interface`]. The layout of this struct never changes.
typedef struct pf_negotiated {
  // The wire version chosen; 0 when none of the plugin's lies in the host's range.
  uint32_t chosen;
  // Oldest wire version that the plugin speaks.
  uint32_t min;
  // Newest wire version that the plugin speaks.
  uint32_t max;
  // Zero.
  uint32_t reserved;
  // The table of functions of the version chosen; null when none was.
  const void *table;
} pf_negotiated;

// What a plugin answers first. The layout of this struct never changes.
typedef struct pf_entry {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The entry version chosen from the host's range; 0 when there is none, and then only `min` and `max` count.
  uint32_t version;
  // Oldest entry version that the plugin speaks.
  uint32_t min;
  // Newest entry version that the plugin speaks.
  uint32_t max;
  // Zero.
  uint32_t reserved;
  // Reverse-DNS id of the plugin.
  struct pf_text id;
  // Semver of the plugin.
  struct pf_text plugin_version;
  // Asks for an interface by name. The host gives the range of wire versions that it speaks; the plugin writes the
  // version that it chose and its table, or its own range. Returns 0 when the interface is known by name, else
  // 2 (`not-found`).
  int32_t (*get_interface)(struct pf_text name,
                           uint32_t host_min,
                           uint32_t host_max,
                           struct pf_negotiated *answer);
  // Asks for something that came later, by id; null when the plugin does not have it.
  const void *(*get_extension)(struct pf_text id);
} pf_entry;

// Bytes that are the plugin's own business: partial results, conclusions, states.
typedef struct pf_bytes {
  // First byte; may be null when `len` is 0.
  const uint8_t *data;
  // Number of bytes.
  uint64_t len;
} pf_bytes;

// A box of pixels: where it starts in the image (negative before it), and its size.
typedef struct pf_region {
  // First pixel along T C Z Y X.
  int64_t origin[5];
  // Size along T C Z Y X.
  uint64_t extent[5];
} pf_region;

// How pixels were taken. NaN, or 0 in the whole numbers: unknown.
typedef struct pf_conditions {
  // Nominal magnification of the objective.
  double magnification;
  // Numerical aperture of the objective.
  double numerical_aperture;
  // Refractive index of the immersion medium.
  double immersion_index;
  // Diameter of the confocal pinhole, in micrometers.
  double pinhole_um;
  // Zoom of the scanner.
  double zoom;
  // Time that the sensor integrates, in seconds.
  double exposure_s;
  // Time that the beam rests on a pixel, in seconds.
  double dwell_s;
  // Light power at the sample, in milliwatts.
  double light_power_mw;
  // Light power as a share of the maximum, 0 to 1.
  double light_fraction;
  // High voltage of a photomultiplier, in volts.
  double detector_gain_v;
  // Grey level of a dark photomultiplier pixel.
  double detector_offset;
  // Photoelectrons for one grey level of a camera.
  double camera_gain;
  // Grey level of a dark camera pixel.
  double camera_offset;
  // Standard deviation of the read noise, in photoelectrons.
  double read_noise_e;
  // Position of the stage along X Y Z, in micrometers.
  double stage_um[3];
  // Time since the first plane, in seconds.
  double time_s;
  // Light that the sample received for the plane, in joules per square centimeter.
  double dose_j_cm2;
  // How the beam moves: `PF_SCAN_...`.
  uint32_t scan_mode;
  // Frames or lines averaged into one; 0 unknown.
  uint32_t averaging;
  // Sensor pixels joined along X and Y; 0 unknown.
  uint32_t binning[2];
  // Bits of the converter; 0 unknown.
  uint32_t bit_depth;
  // Zero.
  uint32_t reserved;
} pf_conditions;

// Facts of one plane that differ from its channel's.
typedef struct pf_plane_conditions {
  // Time index of the plane.
  uint64_t t;
  // Depth index of the plane.
  uint64_t z;
  // The facts; unknown ones are the channel's.
  struct pf_conditions conditions;
} pf_plane_conditions;

// What is known of a frame only when it comes: handed over with its pixels, in live work.
typedef struct pf_frame_facts {
  // Time index of the plane in the image.
  uint64_t t;
  // Channel index.
  uint64_t c;
  // Depth index.
  uint64_t z;
  // The number that the device gave to the frame; counts only when `number_known` is 1.
  uint64_t number;
  // How many frames of the device were lost between the one before and this one.
  uint64_t dropped_before;
  // 1 when the device numbers its frames, else 0.
  uint32_t number_known;
  // Zero.
  uint32_t reserved;
  // The facts that hold for this plane; unknown ones are the channel's.
  struct pf_conditions conditions;
} pf_frame_facts;

// When the time zero of an acquisition was. The times of planes come from a monotonic clock and count from there.
typedef struct pf_time_anchor {
  // 1 when the moment is known; 0, and then nothing else counts, when it is not.
  uint32_t known;
  // 1 when `clock_id` and `clock_ns` are known too, else 0.
  uint32_t clock_known;
  // Nanoseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
  int64_t unix_ns;
  // What the monotonic clock showed at that moment, in nanoseconds since its own start.
  uint64_t clock_ns;
  // Which clock that is: times of different clocks cannot be compared.
  struct pf_text clock_id;
} pf_time_anchor;

// One channel of an image.
typedef struct pf_channel {
  // Name; may be empty.
  struct pf_text name;
  // Excitation wavelength in nanometers.
  double excitation_nm;
  // Emission wavelength in nanometers.
  double emission_nm;
  // Contrast: `PF_MODALITY_...`.
  uint32_t modality;
  // Display colour as 0xFFRRGGBB; 0 none.
  uint32_t color;
  // Where the pixels come from: `PF_CLASS_...`. A plugin reads it; the host decides that of outputs.
  uint32_t pixel_class;
  // What may be concluded from them: a sum of `PF_SUPPORT_...`. A plugin reads it; the host decides that of outputs.
  uint32_t supports;
  // Class of the pixels that labels were found on: `PF_CLASS_...`.
  uint32_t labels_basis;
  // Who found the labels: `PF_FINDER_...`.
  uint32_t labels_finder;
  // Id and version of the operator that found labels.
  struct pf_text finder_operator;
  // Id, version and hash of the model that found labels.
  struct pf_text finder_model;
  // Facts of all planes.
  struct pf_conditions conditions;
  // Facts of single planes, sorted by t and z.
  const struct pf_plane_conditions *planes;
  // Number of `planes`.
  uint64_t plane_count;
} pf_channel;

// Everything about an image but its pixels.
typedef struct pf_image_spec {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // Name; may be empty.
  struct pf_text name;
  // Size along T C Z Y X.
  uint64_t extent[5];
  // Pixel type: `PF_U8`, `PF_I8`, `PF_U16`, `PF_I16`, `PF_U32`, `PF_F32`, or `PF_MASK` (bytes 0 and 1).
  uint32_t dtype;
  // Bits that values really use.
  uint32_t significant_bits;
  // Size of a pixel along X Y Z, in micrometers.
  double pixel_size_um[3];
  // Time between time points, in seconds.
  double time_increment_s;
  // When the time zero of the planes' times was.
  struct pf_time_anchor acquired;
  // The channels.
  const struct pf_channel *channels;
  // Number of `channels`: the extent along C.
  uint64_t channel_count;
} pf_image_spec;

// An image that is connected to an input port.
typedef struct pf_input_spec {
  // The number of the port: its place in `Descriptor::inputs`.
  uint32_t port;
  // Zero.
  uint32_t reserved;
  // The image.
  struct pf_image_spec spec;
} pf_input_spec;

// A tile that goes in. The pixels must not be written (OPR-08).
typedef struct pf_input_tile {
  // The number of the input port: its place in `Descriptor::inputs`.
  uint32_t port;
  // Zero.
  uint32_t reserved;
  // First pixel of the region.
  const void *data;
  // Bytes from the first pixel to the end of the last.
  uint64_t byte_len;
  // Pixel type, as in the spec.
  uint32_t dtype;
  // Where the pixels lie: `PF_MEMORY_HOST`. A plugin refuses a space that it does not know.
  uint32_t memory_space;
  // Handle of device memory; 0 in the host's.
  uint64_t handle;
  // Where the tile lies in its image, padding included: what `required_input` asked for, cut at the image's edge for
  // `PF_PAD_CLIP`.
  struct pf_region region;
  // Distance between neighbours along T C Z Y, in pixels; along X it is 1.
  uint64_t strides[4];
  // Extent of the whole image.
  uint64_t full[5];
  // Facts of this tile's planes that were not known when the plan was made (live frames).
  const struct pf_frame_facts *frames;
  // Number of `frames`; usually 0.
  uint64_t frame_count;
} pf_input_tile;

// A tile that comes out. The plugin writes every pixel of the region, and nothing outside it (OPR-09).
typedef struct pf_output_tile {
  // First pixel of the region.
  void *data;
  // Bytes from the first pixel to the end of the last.
  uint64_t byte_len;
  // Pixel type, as the plan said.
  uint32_t dtype;
  // Where the pixels lie: `PF_MEMORY_HOST`.
  uint32_t memory_space;
  // Handle of device memory; 0 in the host's.
  uint64_t handle;
  // Where the tile lies in its image.
  struct pf_region region;
  // Distance between neighbours along T C Z Y, in pixels; along X it is 1.
  uint64_t strides[4];
  // Extent of the whole image.
  uint64_t full[5];
} pf_output_tile;

// A detail of an error, as its kind has it: `min`, `max`, `got`, `what`.
typedef struct pf_detail {
  // Name of the field.
  struct pf_text key;
  // Its value.
  struct pf_text value;
} pf_detail;

// What went wrong, handed to `Host::set_error` before a code is returned.
typedef struct pf_error_info {
  // The code that will be returned.
  int32_t code;
  // 1 when the instance must not be used again, because code in it stopped halfway (a panic, an exception): the host
  // calls `destroy`, and makes a new instance for its next call. Else 0.
  uint32_t instance_lost;
  // Which thing, doing what, why.
  struct pf_text message;
  // What the user can do; may be empty.
  struct pf_text remedy;
  // The fields of the kind.
  const struct pf_detail *details;
  // Number of `details`.
  uint64_t detail_count;
} pf_error_info;

// The answer of `plan`, handed to `Host::answer_plan`. One that is zeroed, but for its size and outputs, says: axes cut
// anywhere, tiles of any size, no memory of its own.
typedef struct pf_plan {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The image outputs, in the order of their ports. The host sets class and supports.
  const struct pf_image_spec *outputs;
  // Number of `outputs`.
  uint64_t output_count;
  // How each axis of the work may be cut: `PF_TILING_SPLIT` (anywhere), `PF_TILING_EACH` (into single positions),
  // `PF_TILING_WHOLE` (not at all), `PF_TILING_IN_ORDER` (into single positions that one instance sees from the first
  // to the last: map operators, one axis at most). The work has the extent of the first image output, or, without one,
  // of the first connected input.
  uint32_t tiling[5];
  // 1 for each axis over which a reduce operator makes one result.
  uint32_t reduce_over[5];
  // Along an axis that is cut anywhere: tiles' sizes are multiples of this; 0 is read as 1. The last tile may be smaller.
  uint64_t tile_step[5];
  // The largest size of a tile, a multiple of the step; 0: any.
  uint64_t tile_max[5];
  // Upper bound of the instance's own memory for each pixel of a tile's work.
  uint32_t bytes_per_pixel;
  // Zero.
  uint32_t reserved;
  // Upper bound of the instance's own memory besides.
  uint64_t bytes;
} pf_plan;

// The part of an input that is needed for a part of the work, handed to `Host::answer_regions`.
typedef struct pf_input_region {
  // The number of the port.
  uint32_t port;
  // What is filled in beyond the image's edge, `PF_PAD_...`; with `PF_PAD_CLIP`, which is 0, the tile ends there. The
  // same for every part of the work.
  uint32_t padding;
  // What the operator wants to see, halo included; it may reach beyond the image.
  struct pf_region region;
} pf_input_region;

// A column of a table output.
typedef struct pf_column {
  // Name in `snake_case`.
  struct pf_text name;
  // Unit of the values: `PF_UNIT_...`.
  uint32_t unit;
  // `PF_VALUE_FLAG`, `PF_VALUE_INTEGER`, `PF_VALUE_NUMBER` or `PF_VALUE_TEXT`.
  uint32_t kind;
} pf_column;

// One value: of a parameter, a cell of a table, a field of a record.
typedef struct pf_scalar {
  // `PF_VALUE_FLAG`, `PF_VALUE_INTEGER`, `PF_VALUE_NUMBER` or `PF_VALUE_TEXT`; the value of a choice is a text.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
  // The value of a flag (0 or 1) or integer.
  int64_t integer;
  // The value of a number; NaN where it is not defined.
  double number;
  // The value of a text.
  struct pf_text text;
} pf_scalar;

// One named value of a record output.
typedef struct pf_field {
  // Name in `snake_case`.
  struct pf_text name;
  // Unit of the value: `PF_UNIT_...`.
  uint32_t unit;
  // Zero.
  uint32_t reserved;
  // The value.
  struct pf_scalar value;
} pf_field;

// The services of the host. Valid until the call that they are given to returns, and called from the thread of that call.
//
// What is handed to one of these functions is copied before it returns. `create` and `required_input` get no services:
// during them nothing is logged, nobody asks to stop, and the seed is 0; `set_error` and the answers work.
typedef struct pf_host {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The host's own; the first argument of every function.
  void *context;
  // The seed of the run, for operators that draw random numbers.
  uint64_t seed;
  // Writes a line of text into the host's log. Level: `PF_LOG_...`.
  void (*log)(void *context, uint32_t level, struct pf_text text);
  // Tells how far the call has come, 0 to 1, never falling. A hundred times a second is plenty.
  void (*progress)(void *context, float fraction);
  // Not 0 when somebody asked to stop: return `PF_CANCELLED` soon. Ask every few milliseconds, once a row is usual
  // (OPR-21).
  uint32_t (*is_cancelled)(void *context);
  // Says what went wrong, before its code is returned.
  void (*set_error)(void *context, const struct pf_error_info *error);
  // Takes the answer of `plan`.
  void (*answer_plan)(void *context, const struct pf_plan *plan);
  // Takes the answer of `required_input`: one region for each connected input.
  void (*answer_regions)(void *context, const struct pf_input_region *regions, uint64_t count);
  // Takes the answer of `accumulate`, `merge`, `finish` and `save`.
  void (*answer_bytes)(void *context, struct pf_bytes bytes);
  // Declares the columns of a table output, once, before its rows. Returns 0 or an error code.
  int32_t (*emit_columns)(void *context, uint32_t port, const struct pf_column *columns, uint64_t count);
  // Adds rows to a table output: `row_count` times as many scalars as there are columns, at most 2^24 in one call; more
  // rows come in further calls. Returns 0 or an error code.
  int32_t (*emit_rows)(void *context, uint32_t port, const struct pf_scalar *scalars, uint64_t row_count);
  // Adds a value to a record output. Returns 0 or an error code.
  int32_t (*emit_field)(void *context, uint32_t port, const struct pf_field *field);
  // Asks for a service that a host may lack, by an id with a version of its own, such as `infer/1`. The answer is null
  // when the host does not have it, else a table of functions: it starts with its own size in bytes as an u64, is
  // valid during the call, its functions take `context` first, and the type behind an id is frozen. This struct
  // itself never changes within a version of the interface.
  //
  // What a service hands out may outlive the call: a handle, such as a session of inference, belongs to the instance
  // in whose call it was opened. Later calls of that instance may use it, and no other instance may. The host ends it
  // after the instance is destroyed or lost; an instance that is made anew opens it again in its `plan`.
  const void *(*get_extension)(void *context, struct pf_text id);
} pf_host;

// The work of one call of `run` or `accumulate`.
typedef struct pf_call {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The part of the work that this call is for, without halo.
  struct pf_region core;
  // One for each input port that is connected, in the order of the ports; each says which port it is for.
  const struct pf_input_tile *inputs;
  // Number of `inputs`.
  uint64_t input_count;
  // One for each image output port, in order; none for `accumulate`.
  const struct pf_output_tile *outputs;
  // Number of `outputs`.
  uint64_t output_count;
  // The services of the host during this call.
  const struct pf_host *host;
} pf_call;

// The value of a parameter.
typedef struct pf_parameter {
  // Name.
  struct pf_text name;
  // The value, of the kind that was declared.
  struct pf_scalar value;
} pf_parameter;

// A parameter as an operator declares it.
typedef struct pf_parameter_spec {
  // Name in kebab-case.
  struct pf_text name;
  // One sentence for people.
  struct pf_text doc;
  // `PF_SETTING` (describes the experiment) or `PF_TUNABLE` (changes the result).
  uint32_t role;
  // Unit of a number: `PF_UNIT_...`.
  uint32_t unit;
  // `PF_VALUE_FLAG`, `PF_VALUE_INTEGER`, `PF_VALUE_NUMBER`, `PF_VALUE_TEXT` or `PF_VALUE_CHOICE`.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
  // Default of a flag or integer.
  int64_t integer_default;
  // Smallest integer accepted.
  int64_t integer_min;
  // Largest integer accepted.
  int64_t integer_max;
  // Default of a number.
  double number_default;
  // Smallest number accepted.
  double number_min;
  // Largest number accepted.
  double number_max;
  // Default of a text or choice.
  struct pf_text text_default;
  // The words of a choice.
  const struct pf_text *options;
  // Number of `options`.
  uint64_t option_count;
} pf_parameter_spec;

// Something that goes in. Ports are known by their number, their place in `Descriptor::inputs`.
typedef struct pf_input_port {
  // Name in kebab-case.
  struct pf_text name;
  // `PF_PORT_IMAGE` or `PF_PORT_LABELS`.
  uint32_t kind;
  // 1 when it may be left out, else 0.
  uint32_t optional;
  // Pixel types that are accepted; others are refused before any work.
  const uint32_t *dtypes;
  // Number of `dtypes`.
  uint64_t dtype_count;
} pf_input_port;

// Something that comes out. Ports are known by their number, their place in `Descriptor::outputs`.
typedef struct pf_output_port {
  // Name in kebab-case.
  struct pf_text name;
  // `PF_PORT_IMAGE`, `PF_PORT_LABELS`, `PF_PORT_TABLE` or `PF_PORT_RECORD`.
  uint32_t kind;
  // The class of its pixels before the host joins it with the inputs' classes, `PF_CLASS_...`; what a classical
  // operation gives is `PF_CLASS_DERIVED`.
  uint32_t yields;
  // What it still supports if the inputs do, a sum of `PF_SUPPORT_...`; the host intersects.
  uint32_t preserves;
  // 1 when a neural network makes it, else 0: labels then say that a network found them, and an image has to be
  // `PF_CLASS_RESTORED` or `PF_CLASS_PREDICTED`.
  uint32_t network;
} pf_output_port;

// An operator as it declares itself.
typedef struct pf_descriptor {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // Name in kebab-case, unique within the plugin.
  struct pf_text id;
  // One sentence for people.
  struct pf_text summary;
  // How it consumes its input: `PF_KIND_MAP`, `PF_KIND_REDUCE` or `PF_KIND_WHOLE`.
  uint32_t kind;
  // From which threads it may be called (OPR-23): `PF_THREADS_SINGLE` (one instance at a time in the process) or
  // `PF_THREADS_INSTANCE` (instances are independent).
  uint32_t threads;
  // 1 when equal input gives equal bytes on every machine and in every lane, else 0.
  uint32_t deterministic;
  // Frames before and after a frame that it looks at.
  uint32_t temporal_window[2];
  // Upper bound of the halo along T C Z Y X over all parameters, in pixels.
  uint32_t max_halo[5];
  // What goes in.
  const struct pf_input_port *inputs;
  // Number of `inputs`.
  uint64_t input_count;
  // What comes out.
  const struct pf_output_port *outputs;
  // Number of `outputs`.
  uint64_t output_count;
  // Parameters.
  const struct pf_parameter_spec *parameters;
  // Number of `parameters`.
  uint64_t parameter_count;
} pf_descriptor;

// The interface `operator`: what a plugin answers to `get_interface("operator", ...)`.
//
// Functions return 0, or an error code after `Host::set_error`. `instance` is what `create` wrote. Marks such as OPR-05
// are the numbers of the rules, which the conformance suite tests one by one.
//
// Order of calls: `create` only stores its parameters. `plan` comes first, once; then any number of `required_input`,
// `run` and `accumulate`. An operator of kind reduce gets, for each group of the axes that are not reduced: `accumulate`
// for every tile (perhaps on several instances), `merge` from left to right in the order of the tiles, `finish` on one
// instance, and, if it has image outputs, `conclude` on every instance and `run` for the same tiles. A new group needs
// no forgetting. An operator that planned `PF_TILING_IN_ORDER` gets sequences: `reset`, then `run` for the positions
// along that axis from the first to the last, for one place of the other axes, on one instance; then perhaps another
// place, again after a `reset` (OPR-18).
//
// Threads: an instance is used by one thread at a time, and by several in turn. Different instances work at once, unless
// the descriptor says `PF_THREADS_SINGLE` (OPR-23).
//
// Lifetimes: everything that a call is handed (specs, tiles, texts, bytes, the host) is valid until the call returns,
// and no longer. This table, the descriptors and what they point to are valid, and the same, until the process ends.
//
// What every operator keeps to: what comes out has the size, type, pixel size and channels that `plan` said (OPR-01),
// and inputs that cannot be processed are refused there (OPR-02). Every pixel of an output tile is written. Nothing
// outside the tiles is read or written (OPR-09), and inputs are not changed (OPR-08). The result depends on the image
// alone: not on the cut into tiles (OPR-05), their order or the number of instances (OPR-07), nor on anything beyond
// the halo that was asked for (OPR-06); nor on time, language or folder (OPR-31). Nothing unwinds across the border
// (ABI-12).
//
// Errors: after an error the instance stays usable for the next `run`, unless the error says `instance_lost`; the
// outputs of the failed call are thrown away. An instance that was in the middle of a sequence starts again with
// `reset`.
typedef struct pf_operator_table {
  // Size of this struct in bytes.
  uint64_t struct_size;
  // The first of the operators that the plugin has.
  const struct pf_descriptor *operators;
  // Number of `operators`.
  uint64_t operator_count;
  // Bytes from one descriptor to the next: more than the size of one when each lies in a larger struct of the plugin's
  // own; 0 is read as the size of one.
  uint64_t operator_stride;
  // Makes an instance of an operator with complete, checked parameters, and only stores them: no work, no services.
  int32_t (*create)(const struct pf_host *host,
                    struct pf_text operator_id,
                    const struct pf_parameter *parameters,
                    uint64_t parameter_count,
                    void **instance);
  // Ends an instance.
  void (*destroy)(void *instance);
  // Answers what comes out for these inputs, through `Host::answer_plan`. There is one spec for each connected input
  // port, in the order of the ports; an optional port may be left out anywhere. Inputs that cannot be processed are
  // refused here (OPR-02).
  int32_t (*plan)(void *instance,
                  const struct pf_host *host,
                  const struct pf_input_spec *inputs,
                  uint64_t input_count);
  // Answers which part of each connected input the part `core` of the work needs, halo included, through
  // `Host::answer_regions`. Asked often: a short computation without services, the same answer for the same question.
  int32_t (*required_input)(void *instance, const struct pf_host *host, const struct pf_region *core);
  // Forgets what was seen: a new sequence starts (OPR-18). Null for operators without memory.
  int32_t (*reset)(void *instance, const struct pf_host *host);
  // Computes the output tiles from the input tiles.
  int32_t (*run)(void *instance, const struct pf_call *call);
  // Computes the partial result of a tile, through `Host::answer_bytes`. Null unless the plugin reduces.
  int32_t (*accumulate)(void *instance, const struct pf_call *call);
  // Joins two partial results, the left of earlier tiles, through `Host::answer_bytes`. Null unless the plugin reduces.
  int32_t (*merge)(void *instance, const struct pf_host *host, struct pf_bytes left, struct pf_bytes right);
  // Gives rows and fields, and the conclusion through `Host::answer_bytes`. Null unless the plugin reduces.
  int32_t (*finish)(void *instance, const struct pf_host *host, struct pf_bytes total);
  // Takes the conclusion before the second pass; a later one takes the place of an earlier one. Null unless the plugin
  // reduces and gives pixels.
  int32_t (*conclude)(void *instance, const struct pf_host *host, struct pf_bytes conclusion);
  // Gives the state of a sequence, through `Host::answer_bytes`. Null for operators without memory.
  int32_t (*save)(void *instance, const struct pf_host *host);
  // Takes a state that `save` gave, perhaps from an earlier version of the plugin (ABI-15). Null for operators without
  // memory.
  int32_t (*load)(void *instance, const struct pf_host *host, struct pf_bytes state);
  // Asks for something that came later, by an id with a version of its own; null when the plugin does not have it.
  // The rules are those of `Host::get_extension`, but that the answer is valid until the process ends.
  const void *(*get_extension)(struct pf_text id);
} pf_operator_table;

/* The layout of the interface: a compiler that lays structs out otherwise stops here. */
#if UINTPTR_MAX == 0xFFFFFFFFFFFFFFFFu
#ifdef __cplusplus
#define PF_ASSERT_(condition, text) static_assert(condition, text)
#else
#define PF_ASSERT_(condition, text) _Static_assert(condition, text)
#endif
PF_ASSERT_(sizeof(pf_entry) == 72, "size of pf_entry");
PF_ASSERT_(offsetof(pf_entry, struct_size) == 0, "pf_entry.struct_size");
PF_ASSERT_(offsetof(pf_entry, version) == 8, "pf_entry.version");
PF_ASSERT_(offsetof(pf_entry, min) == 12, "pf_entry.min");
PF_ASSERT_(offsetof(pf_entry, max) == 16, "pf_entry.max");
PF_ASSERT_(offsetof(pf_entry, reserved) == 20, "pf_entry.reserved");
PF_ASSERT_(offsetof(pf_entry, id) == 24, "pf_entry.id");
PF_ASSERT_(offsetof(pf_entry, plugin_version) == 40, "pf_entry.plugin_version");
PF_ASSERT_(offsetof(pf_entry, get_interface) == 56, "pf_entry.get_interface");
PF_ASSERT_(offsetof(pf_entry, get_extension) == 64, "pf_entry.get_extension");
PF_ASSERT_(sizeof(pf_negotiated) == 24, "size of pf_negotiated");
PF_ASSERT_(offsetof(pf_negotiated, chosen) == 0, "pf_negotiated.chosen");
PF_ASSERT_(offsetof(pf_negotiated, min) == 4, "pf_negotiated.min");
PF_ASSERT_(offsetof(pf_negotiated, max) == 8, "pf_negotiated.max");
PF_ASSERT_(offsetof(pf_negotiated, reserved) == 12, "pf_negotiated.reserved");
PF_ASSERT_(offsetof(pf_negotiated, table) == 16, "pf_negotiated.table");
PF_ASSERT_(sizeof(pf_text) == 16, "size of pf_text");
PF_ASSERT_(offsetof(pf_text, data) == 0, "pf_text.data");
PF_ASSERT_(offsetof(pf_text, len) == 8, "pf_text.len");
PF_ASSERT_(sizeof(pf_bytes) == 16, "size of pf_bytes");
PF_ASSERT_(offsetof(pf_bytes, data) == 0, "pf_bytes.data");
PF_ASSERT_(offsetof(pf_bytes, len) == 8, "pf_bytes.len");
PF_ASSERT_(sizeof(pf_region) == 80, "size of pf_region");
PF_ASSERT_(offsetof(pf_region, origin) == 0, "pf_region.origin");
PF_ASSERT_(offsetof(pf_region, extent) == 40, "pf_region.extent");
PF_ASSERT_(sizeof(pf_conditions) == 176, "size of pf_conditions");
PF_ASSERT_(offsetof(pf_conditions, magnification) == 0, "pf_conditions.magnification");
PF_ASSERT_(offsetof(pf_conditions, numerical_aperture) == 8, "pf_conditions.numerical_aperture");
PF_ASSERT_(offsetof(pf_conditions, immersion_index) == 16, "pf_conditions.immersion_index");
PF_ASSERT_(offsetof(pf_conditions, pinhole_um) == 24, "pf_conditions.pinhole_um");
PF_ASSERT_(offsetof(pf_conditions, zoom) == 32, "pf_conditions.zoom");
PF_ASSERT_(offsetof(pf_conditions, exposure_s) == 40, "pf_conditions.exposure_s");
PF_ASSERT_(offsetof(pf_conditions, dwell_s) == 48, "pf_conditions.dwell_s");
PF_ASSERT_(offsetof(pf_conditions, light_power_mw) == 56, "pf_conditions.light_power_mw");
PF_ASSERT_(offsetof(pf_conditions, light_fraction) == 64, "pf_conditions.light_fraction");
PF_ASSERT_(offsetof(pf_conditions, detector_gain_v) == 72, "pf_conditions.detector_gain_v");
PF_ASSERT_(offsetof(pf_conditions, detector_offset) == 80, "pf_conditions.detector_offset");
PF_ASSERT_(offsetof(pf_conditions, camera_gain) == 88, "pf_conditions.camera_gain");
PF_ASSERT_(offsetof(pf_conditions, camera_offset) == 96, "pf_conditions.camera_offset");
PF_ASSERT_(offsetof(pf_conditions, read_noise_e) == 104, "pf_conditions.read_noise_e");
PF_ASSERT_(offsetof(pf_conditions, stage_um) == 112, "pf_conditions.stage_um");
PF_ASSERT_(offsetof(pf_conditions, time_s) == 136, "pf_conditions.time_s");
PF_ASSERT_(offsetof(pf_conditions, dose_j_cm2) == 144, "pf_conditions.dose_j_cm2");
PF_ASSERT_(offsetof(pf_conditions, scan_mode) == 152, "pf_conditions.scan_mode");
PF_ASSERT_(offsetof(pf_conditions, averaging) == 156, "pf_conditions.averaging");
PF_ASSERT_(offsetof(pf_conditions, binning) == 160, "pf_conditions.binning");
PF_ASSERT_(offsetof(pf_conditions, bit_depth) == 168, "pf_conditions.bit_depth");
PF_ASSERT_(offsetof(pf_conditions, reserved) == 172, "pf_conditions.reserved");
PF_ASSERT_(sizeof(pf_plane_conditions) == 192, "size of pf_plane_conditions");
PF_ASSERT_(offsetof(pf_plane_conditions, t) == 0, "pf_plane_conditions.t");
PF_ASSERT_(offsetof(pf_plane_conditions, z) == 8, "pf_plane_conditions.z");
PF_ASSERT_(offsetof(pf_plane_conditions, conditions) == 16, "pf_plane_conditions.conditions");
PF_ASSERT_(sizeof(pf_frame_facts) == 224, "size of pf_frame_facts");
PF_ASSERT_(offsetof(pf_frame_facts, t) == 0, "pf_frame_facts.t");
PF_ASSERT_(offsetof(pf_frame_facts, c) == 8, "pf_frame_facts.c");
PF_ASSERT_(offsetof(pf_frame_facts, z) == 16, "pf_frame_facts.z");
PF_ASSERT_(offsetof(pf_frame_facts, number) == 24, "pf_frame_facts.number");
PF_ASSERT_(offsetof(pf_frame_facts, dropped_before) == 32, "pf_frame_facts.dropped_before");
PF_ASSERT_(offsetof(pf_frame_facts, number_known) == 40, "pf_frame_facts.number_known");
PF_ASSERT_(offsetof(pf_frame_facts, reserved) == 44, "pf_frame_facts.reserved");
PF_ASSERT_(offsetof(pf_frame_facts, conditions) == 48, "pf_frame_facts.conditions");
PF_ASSERT_(sizeof(pf_time_anchor) == 40, "size of pf_time_anchor");
PF_ASSERT_(offsetof(pf_time_anchor, known) == 0, "pf_time_anchor.known");
PF_ASSERT_(offsetof(pf_time_anchor, clock_known) == 4, "pf_time_anchor.clock_known");
PF_ASSERT_(offsetof(pf_time_anchor, unix_ns) == 8, "pf_time_anchor.unix_ns");
PF_ASSERT_(offsetof(pf_time_anchor, clock_ns) == 16, "pf_time_anchor.clock_ns");
PF_ASSERT_(offsetof(pf_time_anchor, clock_id) == 24, "pf_time_anchor.clock_id");
PF_ASSERT_(sizeof(pf_channel) == 280, "size of pf_channel");
PF_ASSERT_(offsetof(pf_channel, name) == 0, "pf_channel.name");
PF_ASSERT_(offsetof(pf_channel, excitation_nm) == 16, "pf_channel.excitation_nm");
PF_ASSERT_(offsetof(pf_channel, emission_nm) == 24, "pf_channel.emission_nm");
PF_ASSERT_(offsetof(pf_channel, modality) == 32, "pf_channel.modality");
PF_ASSERT_(offsetof(pf_channel, color) == 36, "pf_channel.color");
PF_ASSERT_(offsetof(pf_channel, pixel_class) == 40, "pf_channel.pixel_class");
PF_ASSERT_(offsetof(pf_channel, supports) == 44, "pf_channel.supports");
PF_ASSERT_(offsetof(pf_channel, labels_basis) == 48, "pf_channel.labels_basis");
PF_ASSERT_(offsetof(pf_channel, labels_finder) == 52, "pf_channel.labels_finder");
PF_ASSERT_(offsetof(pf_channel, finder_operator) == 56, "pf_channel.finder_operator");
PF_ASSERT_(offsetof(pf_channel, finder_model) == 72, "pf_channel.finder_model");
PF_ASSERT_(offsetof(pf_channel, conditions) == 88, "pf_channel.conditions");
PF_ASSERT_(offsetof(pf_channel, planes) == 264, "pf_channel.planes");
PF_ASSERT_(offsetof(pf_channel, plane_count) == 272, "pf_channel.plane_count");
PF_ASSERT_(sizeof(pf_image_spec) == 160, "size of pf_image_spec");
PF_ASSERT_(offsetof(pf_image_spec, struct_size) == 0, "pf_image_spec.struct_size");
PF_ASSERT_(offsetof(pf_image_spec, name) == 8, "pf_image_spec.name");
PF_ASSERT_(offsetof(pf_image_spec, extent) == 24, "pf_image_spec.extent");
PF_ASSERT_(offsetof(pf_image_spec, dtype) == 64, "pf_image_spec.dtype");
PF_ASSERT_(offsetof(pf_image_spec, significant_bits) == 68, "pf_image_spec.significant_bits");
PF_ASSERT_(offsetof(pf_image_spec, pixel_size_um) == 72, "pf_image_spec.pixel_size_um");
PF_ASSERT_(offsetof(pf_image_spec, time_increment_s) == 96, "pf_image_spec.time_increment_s");
PF_ASSERT_(offsetof(pf_image_spec, acquired) == 104, "pf_image_spec.acquired");
PF_ASSERT_(offsetof(pf_image_spec, channels) == 144, "pf_image_spec.channels");
PF_ASSERT_(offsetof(pf_image_spec, channel_count) == 152, "pf_image_spec.channel_count");
PF_ASSERT_(sizeof(pf_input_spec) == 168, "size of pf_input_spec");
PF_ASSERT_(offsetof(pf_input_spec, port) == 0, "pf_input_spec.port");
PF_ASSERT_(offsetof(pf_input_spec, reserved) == 4, "pf_input_spec.reserved");
PF_ASSERT_(offsetof(pf_input_spec, spec) == 8, "pf_input_spec.spec");
PF_ASSERT_(sizeof(pf_input_tile) == 208, "size of pf_input_tile");
PF_ASSERT_(offsetof(pf_input_tile, port) == 0, "pf_input_tile.port");
PF_ASSERT_(offsetof(pf_input_tile, reserved) == 4, "pf_input_tile.reserved");
PF_ASSERT_(offsetof(pf_input_tile, data) == 8, "pf_input_tile.data");
PF_ASSERT_(offsetof(pf_input_tile, byte_len) == 16, "pf_input_tile.byte_len");
PF_ASSERT_(offsetof(pf_input_tile, dtype) == 24, "pf_input_tile.dtype");
PF_ASSERT_(offsetof(pf_input_tile, memory_space) == 28, "pf_input_tile.memory_space");
PF_ASSERT_(offsetof(pf_input_tile, handle) == 32, "pf_input_tile.handle");
PF_ASSERT_(offsetof(pf_input_tile, region) == 40, "pf_input_tile.region");
PF_ASSERT_(offsetof(pf_input_tile, strides) == 120, "pf_input_tile.strides");
PF_ASSERT_(offsetof(pf_input_tile, full) == 152, "pf_input_tile.full");
PF_ASSERT_(offsetof(pf_input_tile, frames) == 192, "pf_input_tile.frames");
PF_ASSERT_(offsetof(pf_input_tile, frame_count) == 200, "pf_input_tile.frame_count");
PF_ASSERT_(sizeof(pf_output_tile) == 184, "size of pf_output_tile");
PF_ASSERT_(offsetof(pf_output_tile, data) == 0, "pf_output_tile.data");
PF_ASSERT_(offsetof(pf_output_tile, byte_len) == 8, "pf_output_tile.byte_len");
PF_ASSERT_(offsetof(pf_output_tile, dtype) == 16, "pf_output_tile.dtype");
PF_ASSERT_(offsetof(pf_output_tile, memory_space) == 20, "pf_output_tile.memory_space");
PF_ASSERT_(offsetof(pf_output_tile, handle) == 24, "pf_output_tile.handle");
PF_ASSERT_(offsetof(pf_output_tile, region) == 32, "pf_output_tile.region");
PF_ASSERT_(offsetof(pf_output_tile, strides) == 112, "pf_output_tile.strides");
PF_ASSERT_(offsetof(pf_output_tile, full) == 144, "pf_output_tile.full");
PF_ASSERT_(sizeof(pf_call) == 128, "size of pf_call");
PF_ASSERT_(offsetof(pf_call, struct_size) == 0, "pf_call.struct_size");
PF_ASSERT_(offsetof(pf_call, core) == 8, "pf_call.core");
PF_ASSERT_(offsetof(pf_call, inputs) == 88, "pf_call.inputs");
PF_ASSERT_(offsetof(pf_call, input_count) == 96, "pf_call.input_count");
PF_ASSERT_(offsetof(pf_call, outputs) == 104, "pf_call.outputs");
PF_ASSERT_(offsetof(pf_call, output_count) == 112, "pf_call.output_count");
PF_ASSERT_(offsetof(pf_call, host) == 120, "pf_call.host");
PF_ASSERT_(sizeof(pf_scalar) == 40, "size of pf_scalar");
PF_ASSERT_(offsetof(pf_scalar, kind) == 0, "pf_scalar.kind");
PF_ASSERT_(offsetof(pf_scalar, reserved) == 4, "pf_scalar.reserved");
PF_ASSERT_(offsetof(pf_scalar, integer) == 8, "pf_scalar.integer");
PF_ASSERT_(offsetof(pf_scalar, number) == 16, "pf_scalar.number");
PF_ASSERT_(offsetof(pf_scalar, text) == 24, "pf_scalar.text");
PF_ASSERT_(sizeof(pf_parameter) == 56, "size of pf_parameter");
PF_ASSERT_(offsetof(pf_parameter, name) == 0, "pf_parameter.name");
PF_ASSERT_(offsetof(pf_parameter, value) == 16, "pf_parameter.value");
PF_ASSERT_(sizeof(pf_parameter_spec) == 128, "size of pf_parameter_spec");
PF_ASSERT_(offsetof(pf_parameter_spec, name) == 0, "pf_parameter_spec.name");
PF_ASSERT_(offsetof(pf_parameter_spec, doc) == 16, "pf_parameter_spec.doc");
PF_ASSERT_(offsetof(pf_parameter_spec, role) == 32, "pf_parameter_spec.role");
PF_ASSERT_(offsetof(pf_parameter_spec, unit) == 36, "pf_parameter_spec.unit");
PF_ASSERT_(offsetof(pf_parameter_spec, kind) == 40, "pf_parameter_spec.kind");
PF_ASSERT_(offsetof(pf_parameter_spec, reserved) == 44, "pf_parameter_spec.reserved");
PF_ASSERT_(offsetof(pf_parameter_spec, integer_default) == 48, "pf_parameter_spec.integer_default");
PF_ASSERT_(offsetof(pf_parameter_spec, integer_min) == 56, "pf_parameter_spec.integer_min");
PF_ASSERT_(offsetof(pf_parameter_spec, integer_max) == 64, "pf_parameter_spec.integer_max");
PF_ASSERT_(offsetof(pf_parameter_spec, number_default) == 72, "pf_parameter_spec.number_default");
PF_ASSERT_(offsetof(pf_parameter_spec, number_min) == 80, "pf_parameter_spec.number_min");
PF_ASSERT_(offsetof(pf_parameter_spec, number_max) == 88, "pf_parameter_spec.number_max");
PF_ASSERT_(offsetof(pf_parameter_spec, text_default) == 96, "pf_parameter_spec.text_default");
PF_ASSERT_(offsetof(pf_parameter_spec, options) == 112, "pf_parameter_spec.options");
PF_ASSERT_(offsetof(pf_parameter_spec, option_count) == 120, "pf_parameter_spec.option_count");
PF_ASSERT_(sizeof(pf_input_port) == 40, "size of pf_input_port");
PF_ASSERT_(offsetof(pf_input_port, name) == 0, "pf_input_port.name");
PF_ASSERT_(offsetof(pf_input_port, kind) == 16, "pf_input_port.kind");
PF_ASSERT_(offsetof(pf_input_port, optional) == 20, "pf_input_port.optional");
PF_ASSERT_(offsetof(pf_input_port, dtypes) == 24, "pf_input_port.dtypes");
PF_ASSERT_(offsetof(pf_input_port, dtype_count) == 32, "pf_input_port.dtype_count");
PF_ASSERT_(sizeof(pf_output_port) == 32, "size of pf_output_port");
PF_ASSERT_(offsetof(pf_output_port, name) == 0, "pf_output_port.name");
PF_ASSERT_(offsetof(pf_output_port, kind) == 16, "pf_output_port.kind");
PF_ASSERT_(offsetof(pf_output_port, yields) == 20, "pf_output_port.yields");
PF_ASSERT_(offsetof(pf_output_port, preserves) == 24, "pf_output_port.preserves");
PF_ASSERT_(offsetof(pf_output_port, network) == 28, "pf_output_port.network");
PF_ASSERT_(sizeof(pf_descriptor) == 128, "size of pf_descriptor");
PF_ASSERT_(offsetof(pf_descriptor, struct_size) == 0, "pf_descriptor.struct_size");
PF_ASSERT_(offsetof(pf_descriptor, id) == 8, "pf_descriptor.id");
PF_ASSERT_(offsetof(pf_descriptor, summary) == 24, "pf_descriptor.summary");
PF_ASSERT_(offsetof(pf_descriptor, kind) == 40, "pf_descriptor.kind");
PF_ASSERT_(offsetof(pf_descriptor, threads) == 44, "pf_descriptor.threads");
PF_ASSERT_(offsetof(pf_descriptor, deterministic) == 48, "pf_descriptor.deterministic");
PF_ASSERT_(offsetof(pf_descriptor, temporal_window) == 52, "pf_descriptor.temporal_window");
PF_ASSERT_(offsetof(pf_descriptor, max_halo) == 60, "pf_descriptor.max_halo");
PF_ASSERT_(offsetof(pf_descriptor, inputs) == 80, "pf_descriptor.inputs");
PF_ASSERT_(offsetof(pf_descriptor, input_count) == 88, "pf_descriptor.input_count");
PF_ASSERT_(offsetof(pf_descriptor, outputs) == 96, "pf_descriptor.outputs");
PF_ASSERT_(offsetof(pf_descriptor, output_count) == 104, "pf_descriptor.output_count");
PF_ASSERT_(offsetof(pf_descriptor, parameters) == 112, "pf_descriptor.parameters");
PF_ASSERT_(offsetof(pf_descriptor, parameter_count) == 120, "pf_descriptor.parameter_count");
PF_ASSERT_(sizeof(pf_plan) == 160, "size of pf_plan");
PF_ASSERT_(offsetof(pf_plan, struct_size) == 0, "pf_plan.struct_size");
PF_ASSERT_(offsetof(pf_plan, outputs) == 8, "pf_plan.outputs");
PF_ASSERT_(offsetof(pf_plan, output_count) == 16, "pf_plan.output_count");
PF_ASSERT_(offsetof(pf_plan, tiling) == 24, "pf_plan.tiling");
PF_ASSERT_(offsetof(pf_plan, reduce_over) == 44, "pf_plan.reduce_over");
PF_ASSERT_(offsetof(pf_plan, tile_step) == 64, "pf_plan.tile_step");
PF_ASSERT_(offsetof(pf_plan, tile_max) == 104, "pf_plan.tile_max");
PF_ASSERT_(offsetof(pf_plan, bytes_per_pixel) == 144, "pf_plan.bytes_per_pixel");
PF_ASSERT_(offsetof(pf_plan, reserved) == 148, "pf_plan.reserved");
PF_ASSERT_(offsetof(pf_plan, bytes) == 152, "pf_plan.bytes");
PF_ASSERT_(sizeof(pf_input_region) == 88, "size of pf_input_region");
PF_ASSERT_(offsetof(pf_input_region, port) == 0, "pf_input_region.port");
PF_ASSERT_(offsetof(pf_input_region, padding) == 4, "pf_input_region.padding");
PF_ASSERT_(offsetof(pf_input_region, region) == 8, "pf_input_region.region");
PF_ASSERT_(sizeof(pf_detail) == 32, "size of pf_detail");
PF_ASSERT_(offsetof(pf_detail, key) == 0, "pf_detail.key");
PF_ASSERT_(offsetof(pf_detail, value) == 16, "pf_detail.value");
PF_ASSERT_(sizeof(pf_error_info) == 56, "size of pf_error_info");
PF_ASSERT_(offsetof(pf_error_info, code) == 0, "pf_error_info.code");
PF_ASSERT_(offsetof(pf_error_info, instance_lost) == 4, "pf_error_info.instance_lost");
PF_ASSERT_(offsetof(pf_error_info, message) == 8, "pf_error_info.message");
PF_ASSERT_(offsetof(pf_error_info, remedy) == 24, "pf_error_info.remedy");
PF_ASSERT_(offsetof(pf_error_info, details) == 40, "pf_error_info.details");
PF_ASSERT_(offsetof(pf_error_info, detail_count) == 48, "pf_error_info.detail_count");
PF_ASSERT_(sizeof(pf_column) == 24, "size of pf_column");
PF_ASSERT_(offsetof(pf_column, name) == 0, "pf_column.name");
PF_ASSERT_(offsetof(pf_column, unit) == 16, "pf_column.unit");
PF_ASSERT_(offsetof(pf_column, kind) == 20, "pf_column.kind");
PF_ASSERT_(sizeof(pf_field) == 64, "size of pf_field");
PF_ASSERT_(offsetof(pf_field, name) == 0, "pf_field.name");
PF_ASSERT_(offsetof(pf_field, unit) == 16, "pf_field.unit");
PF_ASSERT_(offsetof(pf_field, reserved) == 20, "pf_field.reserved");
PF_ASSERT_(offsetof(pf_field, value) == 24, "pf_field.value");
PF_ASSERT_(sizeof(pf_host) == 112, "size of pf_host");
PF_ASSERT_(offsetof(pf_host, struct_size) == 0, "pf_host.struct_size");
PF_ASSERT_(offsetof(pf_host, context) == 8, "pf_host.context");
PF_ASSERT_(offsetof(pf_host, seed) == 16, "pf_host.seed");
PF_ASSERT_(offsetof(pf_host, log) == 24, "pf_host.log");
PF_ASSERT_(offsetof(pf_host, progress) == 32, "pf_host.progress");
PF_ASSERT_(offsetof(pf_host, is_cancelled) == 40, "pf_host.is_cancelled");
PF_ASSERT_(offsetof(pf_host, set_error) == 48, "pf_host.set_error");
PF_ASSERT_(offsetof(pf_host, answer_plan) == 56, "pf_host.answer_plan");
PF_ASSERT_(offsetof(pf_host, answer_regions) == 64, "pf_host.answer_regions");
PF_ASSERT_(offsetof(pf_host, answer_bytes) == 72, "pf_host.answer_bytes");
PF_ASSERT_(offsetof(pf_host, emit_columns) == 80, "pf_host.emit_columns");
PF_ASSERT_(offsetof(pf_host, emit_rows) == 88, "pf_host.emit_rows");
PF_ASSERT_(offsetof(pf_host, emit_field) == 96, "pf_host.emit_field");
PF_ASSERT_(offsetof(pf_host, get_extension) == 104, "pf_host.get_extension");
PF_ASSERT_(sizeof(pf_operator_table) == 136, "size of pf_operator_table");
PF_ASSERT_(offsetof(pf_operator_table, struct_size) == 0, "pf_operator_table.struct_size");
PF_ASSERT_(offsetof(pf_operator_table, operators) == 8, "pf_operator_table.operators");
PF_ASSERT_(offsetof(pf_operator_table, operator_count) == 16, "pf_operator_table.operator_count");
PF_ASSERT_(offsetof(pf_operator_table, operator_stride) == 24, "pf_operator_table.operator_stride");
PF_ASSERT_(offsetof(pf_operator_table, create) == 32, "pf_operator_table.create");
PF_ASSERT_(offsetof(pf_operator_table, destroy) == 40, "pf_operator_table.destroy");
PF_ASSERT_(offsetof(pf_operator_table, plan) == 48, "pf_operator_table.plan");
PF_ASSERT_(offsetof(pf_operator_table, required_input) == 56, "pf_operator_table.required_input");
PF_ASSERT_(offsetof(pf_operator_table, reset) == 64, "pf_operator_table.reset");
PF_ASSERT_(offsetof(pf_operator_table, run) == 72, "pf_operator_table.run");
PF_ASSERT_(offsetof(pf_operator_table, accumulate) == 80, "pf_operator_table.accumulate");
PF_ASSERT_(offsetof(pf_operator_table, merge) == 88, "pf_operator_table.merge");
PF_ASSERT_(offsetof(pf_operator_table, finish) == 96, "pf_operator_table.finish");
PF_ASSERT_(offsetof(pf_operator_table, conclude) == 104, "pf_operator_table.conclude");
PF_ASSERT_(offsetof(pf_operator_table, save) == 112, "pf_operator_table.save");
PF_ASSERT_(offsetof(pf_operator_table, load) == 120, "pf_operator_table.load");
PF_ASSERT_(offsetof(pf_operator_table, get_extension) == 128, "pf_operator_table.get_extension");
#endif

/* ------------------------------------------------------------------------------------------------------------
 * Helpers: everything below is written in terms of the interface above, and may be left out.
 *
 * A plugin whose operators take one image and give one of the same pixel type needs no more than
 *
 *     static int32_t run(const pf_simple *self, const pf_call *call) { ... return PF_OK; }
 *     static const pf_simple_operator operators[] = { { PF_MAP_OPERATOR(...), .run = run } };
 *     PF_PLUGIN("org.example.mine", "0.1.0", operators)
 *
 * at file scope. Others fill a pf_operator_table of their own and hand it to PF_PLUGIN_TABLE.
 *
 * In C++ all of it is written the same from C++20 on, which has `.run = run`. Exceptions must not leave a function of the
 * plugin: pf_simple_operator catches those of its `run`; functions of a table of your own catch theirs and return
 * pf_instance_lost(...).
 * ------------------------------------------------------------------------------------------------------------ */
#ifndef PF_NO_HELPERS

#include <stdlib.h>
#include <string.h>
#ifdef __cpp_exceptions
#include <exception>
#endif

/* A text from a string literal. */
#define PF_TEXT(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

static inline pf_text pf_text_of(const char *text) {
    pf_text result;
    result.data = (const uint8_t *)text;
    result.len = (uint64_t)strlen(text);
    return result;
}

static inline int pf_text_is(pf_text text, const char *expected) {
    return text.len == strlen(expected) && (text.len == 0 || memcmp(text.data, expected, text.len) == 0);
}

static inline int32_t pf_say_(const pf_host *host, int32_t code, uint32_t instance_lost, const char *message,
                              const char *remedy) {
    pf_error_info error;
    memset(&error, 0, sizeof error);
    error.code = code;
    error.instance_lost = instance_lost;
    error.message = pf_text_of(message);
    error.remedy = pf_text_of(remedy ? remedy : "");
    if (host && host->set_error) host->set_error(host->context, &error);
    return code;
}

/* Says what went wrong and what the user can do (may be NULL), and returns the code: `return pf_fail(...)`. */
static inline int32_t pf_fail(const pf_host *host, int32_t code, const char *message, const char *remedy) {
    return pf_say_(host, code, 0, message, remedy);
}

/* Says that a defect stopped the call halfway, and that the instance must not be used again: `return pf_instance_lost(...)`. */
static inline int32_t pf_instance_lost(const pf_host *host, const char *message) {
    return pf_say_(host, PF_INTERNAL, 1, message, "this is a defect of the plugin: report it to its author");
}

/* Whether somebody asked to stop; then return PF_CANCELLED soon. Ask once a row. */
static inline int pf_is_cancelled(const pf_call *call) {
    return call->host->is_cancelled && call->host->is_cancelled(call->host->context) != 0;
}

/* The tile of an input port; NULL when the port is not connected. */
static inline const pf_input_tile *pf_input(const pf_call *call, uint32_t port) {
    for (uint64_t i = 0; i < call->input_count; i++)
        if (call->inputs[i].port == port) return &call->inputs[i];
    return NULL;
}

/* Bytes of a pixel. */
static inline uint64_t pf_pixel_size(uint32_t dtype) {
    switch (dtype) {
    case PF_U8: case PF_I8: case PF_MASK: return 1;
    case PF_U16: case PF_I16: return 2;
    case PF_U32: case PF_F32: return 4;
    default: return 0;
    }
}

/* The number of rows of a region. */
static inline uint64_t pf_row_count(const pf_region *region) {
    return region->extent[4] ? region->extent[0] * region->extent[1] * region->extent[2] * region->extent[3] : 0;
}

static inline uint64_t pf_row_offset(const uint64_t strides[4], const int64_t first[5], const pf_region *rows,
                                     uint64_t index) {
    const uint64_t y = index % rows->extent[3], z = index / rows->extent[3] % rows->extent[2];
    const uint64_t c = index / (rows->extent[3] * rows->extent[2]) % rows->extent[1];
    const uint64_t t = index / (rows->extent[3] * rows->extent[2] * rows->extent[1]);
    return (t + (uint64_t)(rows->origin[0] - first[0])) * strides[0] +
           (c + (uint64_t)(rows->origin[1] - first[1])) * strides[1] +
           (z + (uint64_t)(rows->origin[2] - first[2])) * strides[2] +
           (y + (uint64_t)(rows->origin[3] - first[3])) * strides[3] + (uint64_t)(rows->origin[4] - first[4]);
}

/* The input pixels at the place of row `index` of the region `rows`, which the tile contains. */
static inline const void *pf_input_row(const pf_input_tile *tile, const pf_region *rows, uint64_t index) {
    return (const uint8_t *)tile->data +
           pf_row_offset(tile->strides, tile->region.origin, rows, index) * pf_pixel_size(tile->dtype);
}

/* The output pixels of row `index` of the tile. */
static inline void *pf_output_row(const pf_output_tile *tile, uint64_t index) {
    return (uint8_t *)tile->data +
           pf_row_offset(tile->strides, tile->region.origin, &tile->region, index) * pf_pixel_size(tile->dtype);
}

/* Visits the rows of an output tile with the input pixels at the same place: `x` and `y` point to `n` pixels.
 *
 *     PF_FOR_ROWS(uint16_t, in, out, x, y, n) { for (uint64_t i = 0; i < n; i++) y[i] = x[i]; }
 */
#define PF_FOR_ROWS(type, in, out, x, y, n)                                                                      \
    for (uint64_t pf_row_ = 0, n = (out)->region.extent[4], pf_rows_ = pf_row_count(&(out)->region);             \
         pf_row_ < pf_rows_; ++pf_row_)                                                                          \
        for (const type *x = (const type *)pf_input_row((in), &(out)->region, pf_row_), *pf_once_ = x; pf_once_; \
             pf_once_ = NULL)                                                                                    \
            for (type *y = (type *)pf_output_row((out), pf_row_), *pf_too_ = y; pf_too_; pf_too_ = NULL)

/* Declarations of parameters. */
#define PF_NUMBER(name_, doc_, role_, unit_, default_, min_, max_)                                               \
    { PF_TEXT(name_), PF_TEXT(doc_), (role_), (unit_), PF_VALUE_NUMBER, 0, 0, 0, 0, (default_), (min_), (max_),  \
      { NULL, 0 }, NULL, 0 }
#define PF_INTEGER(name_, doc_, role_, unit_, default_, min_, max_)                                              \
    { PF_TEXT(name_), PF_TEXT(doc_), (role_), (unit_), PF_VALUE_INTEGER, 0, (default_), (min_), (max_), 0, 0, 0, \
      { NULL, 0 }, NULL, 0 }
#define PF_FLAG(name_, doc_, role_, default_)                                                                    \
    { PF_TEXT(name_), PF_TEXT(doc_), (role_), PF_UNIT_NONE, PF_VALUE_FLAG, 0, (default_), 0, 0, 0, 0, 0,         \
      { NULL, 0 }, NULL, 0 }

#define PF_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The declaration of an input port that takes images of these pixel types (an array), and must be connected. */
#define PF_IMAGE_INPUT(name_, dtypes_) { PF_TEXT(name_), PF_PORT_IMAGE, 0, (dtypes_), PF_COUNT(dtypes_) }

/* Most parameters that a simple operator may have. */
#define PF_SIMPLE_PARAMETERS 16

typedef struct pf_simple_operator pf_simple_operator;

/* An instance of a simple operator: its parameters, in the order of their declaration. */
typedef struct pf_simple {
    const pf_simple_operator *of;
    double numbers[PF_SIMPLE_PARAMETERS];
    int64_t integers[PF_SIMPLE_PARAMETERS];
} pf_simple;

/* What a field is when it is not named, where the language lets us say so. */
#ifdef __cplusplus
#define PF_USUALLY_(value) = value
#else
#define PF_USUALLY_(value)
#endif

/* An operator that takes one image and gives one of the same pixel type, tile by tile. */
struct pf_simple_operator {
    /* Its `max_halo` is the halo that every tile has. */
    pf_descriptor descriptor;
    /* Computes one tile: call->outputs[0] from call->inputs[0], which is larger by the halo. */
    int32_t (*run)(const pf_simple *self, const pf_call *call);
    /* What the host fills in where the halo reaches beyond the image: PF_PAD_SYMMETRIC unless you say PF_PAD_REFLECT,
     * PF_PAD_EDGE or PF_PAD_ZERO. Tiles always have their whole halo. */
    uint32_t padding PF_USUALLY_(PF_PAD_SYMMETRIC);
};

/* The one output of a simple operator, a constant. C++ has no literals of structs that live on. */
#define PF_IMAGE_OUTPUT_INIT_(preserves_) { PF_TEXT("image"), PF_PORT_IMAGE, PF_CLASS_DERIVED, (preserves_), 0 }
#ifdef __cplusplus
template <uint32_t preserves> static const pf_output_port pf_image_output_[1] = { PF_IMAGE_OUTPUT_INIT_(preserves) };
#define PF_IMAGE_OUTPUT_(preserves_) pf_image_output_<(preserves_)>
#else
#define PF_IMAGE_OUTPUT_(preserves_) ((const pf_output_port[1]){ PF_IMAGE_OUTPUT_INIT_(preserves_) })
#endif

/* The descriptor of a simple operator that looks at pixels around the output: so many along Z, Y and X. `port_` is the
 * address of a pf_input_port, `parameters_` an array of pf_parameter_spec (or NULL with count 0), `preserves_` a sum of
 * PF_SUPPORT_... */
#define PF_FILTER_OPERATOR(id_, summary_, port_, parameters_, parameter_count_, preserves_, halo_z_, halo_y_, halo_x_) \
    .descriptor = { sizeof(pf_descriptor), PF_TEXT(id_), PF_TEXT(summary_), PF_KIND_MAP, PF_THREADS_INSTANCE, 0, \
                    { 0, 0 }, { 0, 0, (halo_z_), (halo_y_), (halo_x_) }, (port_), 1,                             \
                    PF_IMAGE_OUTPUT_(preserves_), 1, (parameters_), (parameter_count_) }

/* The descriptor of a simple operator that looks at no pixel but the one that it computes. */
#define PF_MAP_OPERATOR(id_, summary_, port_, parameters_, parameter_count_, preserves_)                         \
    PF_FILTER_OPERATOR(id_, summary_, port_, parameters_, parameter_count_, preserves_, 0, 0, 0)

/* The parameter at this place of the declaration. */
static inline double pf_number(const pf_simple *self, uint32_t index) {
    return index < PF_SIMPLE_PARAMETERS ? self->numbers[index] : 0.0;
}
static inline int64_t pf_integer(const pf_simple *self, uint32_t index) {
    return index < PF_SIMPLE_PARAMETERS ? self->integers[index] : 0;
}

static inline int pf_text_is_(pf_text a, pf_text b) { return a.len == b.len && memcmp(a.data, b.data, a.len) == 0; }

/* Takes the defaults, then what is given, and refuses what is not declared. */
static inline int32_t pf_simple_parameters_(pf_simple *self, const pf_host *host, const pf_parameter *parameters,
                                            uint64_t count) {
    const pf_descriptor *d = &self->of->descriptor;
    for (uint64_t p = 0; p < d->parameter_count; p++) {
        const pf_parameter_spec *spec = &d->parameters[p];
        self->integers[p] = spec->integer_default;
        self->numbers[p] = spec->kind == PF_VALUE_NUMBER ? spec->number_default : (double)spec->integer_default;
    }
    for (uint64_t v = 0; v < count; v++) {
        const pf_scalar *value = &parameters[v].value;
        const pf_parameter_spec *spec = NULL;
        uint64_t p = 0;
        for (; p < d->parameter_count; p++)
            if (pf_text_is_(d->parameters[p].name, parameters[v].name)) {
                spec = &d->parameters[p];
                break;
            }
        if (!spec) return pf_fail(host, PF_NOT_FOUND, "a parameter that the operator does not have", NULL);
        if (spec->kind == PF_VALUE_NUMBER) {
            double number = value->kind == PF_VALUE_INTEGER ? (double)value->integer : value->number;
            if (value->kind != PF_VALUE_INTEGER && value->kind != PF_VALUE_NUMBER)
                return pf_fail(host, PF_INVALID_ARGUMENT, "a parameter of another type than declared", NULL);
            /* Written so that "not a number" is outside, too. */
            if (!(number >= spec->number_min && number <= spec->number_max))
                return pf_fail(host, PF_OUT_OF_RANGE, "a parameter outside of its declared limits", NULL);
            self->numbers[p] = number;
            self->integers[p] = value->kind == PF_VALUE_INTEGER ? value->integer : 0;
        } else {
            if (value->kind != spec->kind)
                return pf_fail(host, PF_INVALID_ARGUMENT, "a parameter of another type than declared", NULL);
            if (spec->kind == PF_VALUE_INTEGER &&
                (value->integer < spec->integer_min || value->integer > spec->integer_max))
                return pf_fail(host, PF_OUT_OF_RANGE, "a parameter outside of its declared limits", NULL);
            self->integers[p] = value->integer;
            self->numbers[p] = (double)value->integer;
        }
    }
    return PF_OK;
}

static inline int32_t pf_simple_create_(const pf_simple_operator *operators, uint64_t count, const pf_host *host,
                                        pf_text id, const pf_parameter *parameters, uint64_t parameter_count,
                                        void **instance) {
    for (uint64_t i = 0; i < count; i++) {
        const pf_descriptor *d = &operators[i].descriptor;
        if (d->id.len != id.len || memcmp(d->id.data, id.data, id.len) != 0) continue;
        if (d->parameter_count > PF_SIMPLE_PARAMETERS)
            return pf_fail(host, PF_NOT_SUPPORTED, "a simple operator has at most 16 parameters", NULL);
        for (uint64_t p = 0; p < d->parameter_count; p++)
            if (d->parameters[p].kind > PF_VALUE_NUMBER)
                return pf_fail(host, PF_NOT_SUPPORTED, "a simple operator takes flags, integers and numbers", NULL);
        pf_simple *self = (pf_simple *)calloc(1, sizeof *self);
        if (!self) return pf_fail(host, PF_OUT_OF_MEMORY, "no memory for an instance", NULL);
        self->of = &operators[i];
        int32_t code = pf_simple_parameters_(self, host, parameters, parameter_count);
        if (code != PF_OK) {
            free(self);
            return code;
        }
        *instance = self;
        return PF_OK;
    }
    return pf_fail(host, PF_NOT_FOUND, "the plugin has no operator of this name", NULL);
}

static inline void pf_simple_destroy_(void *instance) { free(instance); }

static inline int32_t pf_simple_plan_(void *instance, const pf_host *host, const pf_input_spec *inputs,
                                      uint64_t input_count) {
    pf_plan plan;
    const pf_input_port *port = ((const pf_simple *)instance)->of->descriptor.inputs;
    uint64_t known = 0;
    if (input_count != 1 || inputs[0].port != 0)
        return pf_fail(host, PF_INVALID_ARGUMENT, "one image is taken, at input 0", NULL);
    while (known < port->dtype_count && port->dtypes[known] != inputs[0].spec.dtype) known++;
    if (known == port->dtype_count)
        return pf_fail(host, PF_NOT_SUPPORTED, "not supported: pixels of this type", NULL);
    for (int axis = 0; axis < 5; axis++)
        if (inputs[0].spec.extent[axis] == 0)
            return pf_fail(host, PF_INVALID_ARGUMENT, "the image has no pixels", NULL);
    memset(&plan, 0, sizeof plan);
    plan.struct_size = sizeof plan;
    plan.outputs = &inputs[0].spec;
    plan.output_count = 1;
    host->answer_plan(host->context, &plan);
    return PF_OK;
}

static inline int32_t pf_simple_required_input_(void *instance, const pf_host *host, const pf_region *core) {
    const pf_simple_operator *of = ((const pf_simple *)instance)->of;
    pf_input_region needed;
    needed.port = 0;
    needed.padding = of->padding ? of->padding : PF_PAD_SYMMETRIC;
    needed.region = *core;
    for (int axis = 0; axis < 5; axis++) {
        needed.region.origin[axis] -= of->descriptor.max_halo[axis];
        needed.region.extent[axis] += 2 * (uint64_t)of->descriptor.max_halo[axis];
    }
    host->answer_regions(host->context, &needed, 1);
    return PF_OK;
}

static inline int32_t pf_simple_run_(void *instance, const pf_call *call) {
    const pf_simple *self = (const pf_simple *)instance;
    if (call->struct_size != sizeof *call || call->input_count != 1 || call->output_count != 1)
        return pf_fail(call->host, PF_INVALID_ARGUMENT, "one image in, one out", NULL);
    if (call->inputs[0].memory_space != PF_MEMORY_HOST || call->outputs[0].memory_space != PF_MEMORY_HOST)
        return pf_fail(call->host, PF_NOT_SUPPORTED, "not supported: pixels outside the host's memory", NULL);
#ifdef __cpp_exceptions
    try {
        return self->of->run(self, call);
    } catch (const std::exception &exception) {
        return pf_instance_lost(call->host, exception.what());
    } catch (...) {
        return pf_instance_lost(call->host, "an exception that is no std::exception left the operator");
    }
#else
    return self->of->run(self, call);
#endif
}

/* Put into the plugin's bytes, so that a host can tell what it is without running it. */
#if defined(__wasm__)
#define PF_NOTE_SECTION_ __attribute__((section("parfocal"), used))
#elif defined(__GNUC__)
#define PF_NOTE_SECTION_ __attribute__((section(".parfocal"), used))
#else
#define PF_NOTE_SECTION_
#endif
#if defined(__GNUC__)
#define PF_EXPORT_ __attribute__((visibility("default")))
#elif defined(_WIN32)
#define PF_EXPORT_ __declspec(dllexport)
#else
#define PF_EXPORT_
#endif
#ifdef __cplusplus
#define PF_EXTERN_ extern "C"
#else
#define PF_EXTERN_
#endif

/* Exports a plugin whose `table_` is an expression of type `const pf_operator_table *`; once in a library. */
#define PF_PLUGIN_TABLE(id_, version_, table_)                                                                   \
    PF_NOTE_SECTION_ static const char pf_note_[] = "PARFOCAL-NOTE 1\nid " id_ "\nversion " version_             \
        "\nlanguage c\ninterface operator/" PF_OPERATOR_VERSION_TEXT "\nend\n";                                  \
    static int32_t pf_get_interface_(pf_text name, uint32_t host_min, uint32_t host_max, pf_negotiated *answer) { \
        if (!pf_text_is(name, "operator")) return PF_NOT_FOUND;                                                  \
        memset(answer, 0, sizeof *answer);                                                                       \
        answer->min = answer->max = PF_OPERATOR_VERSION;                                                         \
        if (host_min <= PF_OPERATOR_VERSION && PF_OPERATOR_VERSION <= host_max) {                                \
            answer->chosen = PF_OPERATOR_VERSION;                                                                \
            answer->table = (table_);                                                                            \
        }                                                                                                        \
        return PF_OK;                                                                                            \
    }                                                                                                            \
    static const void *pf_no_extension_(pf_text id) { (void)id; return NULL; }                                   \
    PF_EXTERN_ PF_EXPORT_ const pf_entry *parfocal_entry(uint32_t host_min, uint32_t host_max) {                 \
        static const pf_entry entry = { sizeof(pf_entry), PF_ENTRY_VERSION, PF_ENTRY_VERSION, PF_ENTRY_VERSION,  \
                                        0, PF_TEXT(id_), PF_TEXT(version_), pf_get_interface_,                   \
                                        pf_no_extension_ };                                                      \
        static const pf_entry refusal = { sizeof(pf_entry), 0, PF_ENTRY_VERSION, PF_ENTRY_VERSION, 0,            \
                                          { NULL, 0 }, { NULL, 0 }, NULL, NULL };                                \
        return host_min <= PF_ENTRY_VERSION && PF_ENTRY_VERSION <= host_max ? &entry : &refusal;                 \
    }

/* Exports a plugin of simple operators: an array of pf_simple_operator; once in a library. */
#define PF_PLUGIN(id_, version_, operators_)                                                                     \
    static int32_t pf_create_(const pf_host *host, pf_text id, const pf_parameter *parameters, uint64_t count,   \
                              void **instance) {                                                                 \
        return pf_simple_create_(operators_, PF_COUNT(operators_), host, id, parameters, count, instance);       \
    }                                                                                                            \
    static const pf_operator_table pf_table_ = {                                                                 \
        sizeof(pf_operator_table), &(operators_)[0].descriptor, PF_COUNT(operators_), sizeof((operators_)[0]),   \
        pf_create_, pf_simple_destroy_, pf_simple_plan_, pf_simple_required_input_, NULL, pf_simple_run_, NULL,  \
        NULL, NULL, NULL, NULL, NULL, NULL };                                                                    \
    PF_PLUGIN_TABLE(id_, version_, &pf_table_)

#endif /* PF_NO_HELPERS */

#endif /* PARFOCAL_H */
