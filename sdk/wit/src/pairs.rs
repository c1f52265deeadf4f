//! Which word of the SDK is which word of the WIT package. Everything that crosses is listed here, once.

/// A record whose fields cross one by one: `sdk field = wit field`.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    ($sdk:ty, $wit:ident { $($a:ident = $b:ident),* $(,)? }) => {
        impl $crate::Cross<wit::$wit> for $sdk {
            fn cross(self) -> wit::$wit {
                wit::$wit { $($b: $crate::Cross::cross(self.$a)),* }
            }
        }

        impl $crate::Cross<$sdk> for wit::$wit {
            fn cross(self) -> $sdk {
                type Sdk = $sdk;
                Sdk { $($a: $crate::Cross::cross(self.$b)),* }
            }
        }
    };
}

/// An enumeration whose cases have the same names on both sides.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases {
    ($sdk:ty, $wit:ident { $($case:ident),* $(,)? }) => {
        $crate::__cases!($sdk, $wit { $($case = $case),* });
    };
    ($sdk:ty, $wit:ident { $($a:ident = $b:ident),* $(,)? }) => {
        impl $crate::Cross<wit::$wit> for $sdk {
            fn cross(self) -> wit::$wit {
                match self { $(<$sdk>::$a => wit::$wit::$b),* }
            }
        }

        impl $crate::Cross<$sdk> for wit::$wit {
            fn cross(self) -> $sdk {
                match self { $(wit::$wit::$b => <$sdk>::$a),* }
            }
        }
    };
}

/// Five sizes or rules along T C Z Y X: a record on one side, an array on the other.
#[doc(hidden)]
#[macro_export]
macro_rules! __axes {
    ($sdk:ty, $wit:ident) => {
        impl $crate::Cross<wit::$wit> for $sdk {
            fn cross(self) -> wit::$wit {
                let [t, c, z, y, x] = self.map($crate::Cross::cross);
                wit::$wit { t, c, z, y, x }
            }
        }

        impl $crate::Cross<$sdk> for wit::$wit {
            fn cross(self) -> $sdk {
                [self.t, self.c, self.z, self.y, self.x].map($crate::Cross::cross)
            }
        }
    };
}

/// Implements [`Cross`](crate::Cross) between the words of the SDK and the generated bindings of the interface `types`, whose module is
/// given by its path. Used by `guest` here and by the host's WASM lane: one list for both sides.
#[macro_export]
macro_rules! conversions {
    ($($bindings:tt)*) => {
        #[allow(unused_qualifications, reason = "the macro does not know what is in scope")]
        const _: () = {
            use $($bindings)* as wit;
            use $crate::sdk::{image, operator, types};
            #[allow(unused_imports, reason = "where the macro is expanded it may be in scope already")]
            use $crate::Cross as _;

            $crate::__axes!([u64; 5], Extent);
            $crate::__axes!([i64; 5], Position);
            $crate::__axes!([u32; 5], Halo);
            $crate::__axes!([bool; 5], AxisChoice);
            $crate::__axes!([operator::Tiling; 5], AxisTiling);
            $crate::__axes!([operator::TileSize; 5], AxisTileSizes);

            impl $crate::Cross<wit::Extent> for image::Extent {
                fn cross(self) -> wit::Extent {
                    $crate::Cross::cross(self.0)
                }
            }
            impl $crate::Cross<image::Extent> for wit::Extent {
                fn cross(self) -> image::Extent {
                    image::Extent($crate::Cross::cross(self))
                }
            }
            $crate::__record!(image::Region, Region { origin = origin, extent = extent });

            $crate::__cases!(image::DType, Dtype {
                U8 = U8s, I8 = S8s, U16 = U16s, I16 = S16s, U32 = U32s, F32 = F32s, Mask = Mask,
            });
            $crate::__record!(image::PixelSize, PixelSize {
                x = x_micrometers, y = y_micrometers, z = z_micrometers,
            });
            $crate::__record!(image::Objective, Objective {
                magnification = magnification,
                numerical_aperture = numerical_aperture,
                immersion_index = immersion_index,
            });
            $crate::__cases!(image::ScanMode, ScanMode { Widefield, Galvano, Resonant, SpinningDisk });
            impl $crate::Cross<wit::Binning> for [u32; 2] {
                fn cross(self) -> wit::Binning {
                    wit::Binning { x: self[0], y: self[1] }
                }
            }
            impl $crate::Cross<[u32; 2]> for wit::Binning {
                fn cross(self) -> [u32; 2] {
                    [self.x, self.y]
                }
            }
            $crate::__record!(image::StagePosition, StagePosition {
                x = x_micrometers, y = y_micrometers, z = z_micrometers,
            });
            $crate::__record!(image::Conditions, Conditions {
                objective = objective,
                pinhole = pinhole_micrometers,
                zoom = zoom,
                scan_mode = scan_mode,
                averaging = averaging,
                exposure = exposure_seconds,
                dwell = dwell_seconds,
                light_power = light_power_milliwatts,
                light_fraction = light_fraction,
                detector_gain = detector_gain_volts,
                detector_offset = detector_offset_grey_levels,
                camera_gain = camera_gain_electrons_per_grey_level,
                camera_offset = camera_offset_grey_levels,
                read_noise = read_noise_electrons,
                binning = binning,
                bit_depth = bit_depth,
                stage_position = stage_position,
                time = time_seconds,
                dose = dose_joules_per_square_centimeter,
            });
            $crate::__record!(image::PlaneConditions, PlaneConditions { t = t, z = z, conditions = conditions });
            $crate::__record!(image::FrameFacts, FrameFacts {
                t = t, c = c, z = z, number = number, dropped_before = dropped_before, conditions = conditions,
            });
            $crate::__record!(image::ClockReading, ClockReading { id = id, ns = nanoseconds });
            $crate::__record!(image::TimeAnchor, TimeAnchor { unix_ns = unix_nanoseconds, clock = clock });

            $crate::__cases!(image::PixelClass, PixelClass {
                Unknown, Measured, Derived, Restored, Predicted, Labels,
            });
            const SUPPORTS: [(image::Support, wit::Supports); 7] = [
                (image::Support::Localisation, wit::Supports::LOCALISATION),
                (image::Support::Counting, wit::Supports::COUNTING),
                (image::Support::GrossMorphology, wit::Supports::GROSS_MORPHOLOGY),
                (image::Support::FineDetail, wit::Supports::FINE_DETAIL),
                (image::Support::Intensity, wit::Supports::INTENSITY),
                (image::Support::RareEventSearch, wit::Supports::RARE_EVENT_SEARCH),
                (image::Support::RareEventFrequency, wit::Supports::RARE_EVENT_FREQUENCY),
            ];
            impl $crate::Cross<wit::Supports> for image::Supports {
                fn cross(self) -> wit::Supports {
                    SUPPORTS.iter().filter(|(sdk, _)| self.has(*sdk)).fold(wit::Supports::empty(), |all, (_, one)| all | *one)
                }
            }
            impl $crate::Cross<image::Supports> for wit::Supports {
                fn cross(self) -> image::Supports {
                    SUPPORTS.iter().filter(|(_, wit)| self.contains(*wit)).map(|(sdk, _)| *sdk).collect()
                }
            }
            impl $crate::Cross<wit::Finder> for image::Finder {
                fn cross(self) -> wit::Finder {
                    match self {
                        Self::Classical { operator } => wit::Finder::Classical(operator),
                        Self::Network { operator, model } => {
                            wit::Finder::Network(wit::NetworkFinder { operator, model })
                        }
                        Self::Manual => wit::Finder::Manual,
                    }
                }
            }
            impl $crate::Cross<image::Finder> for wit::Finder {
                fn cross(self) -> image::Finder {
                    match self {
                        Self::Classical(operator) => image::Finder::Classical { operator },
                        Self::Network(wit::NetworkFinder { operator, model }) => {
                            image::Finder::Network { operator, model }
                        }
                        Self::Manual => image::Finder::Manual,
                    }
                }
            }
            $crate::__record!(image::LabelOrigin, LabelOrigin { basis = basis, finder = finder });
            $crate::__cases!(image::Modality, Modality {
                WidefieldFluorescence, Confocal, SpinningDisk, Multiphoton, LightSheet, Brightfield, PhaseContrast,
                Dic, Other,
            });
            impl $crate::Cross<wit::Channel> for image::Channel {
                fn cross(self) -> wit::Channel {
                    wit::Channel {
                        name: self.name,
                        excitation_nanometers: self.excitation.cross(),
                        emission_nanometers: self.emission.cross(),
                        modality: self.modality.cross(),
                        color: self.color.map(|[red, green, blue]| (red, green, blue)),
                        class: self.class.cross(),
                        supports: self.supports.cross(),
                        labels: self.labels.cross(),
                        conditions: self.conditions.cross(),
                        planes: self.planes.cross(),
                    }
                }
            }
            impl $crate::Cross<image::Channel> for wit::Channel {
                fn cross(self) -> image::Channel {
                    image::Channel {
                        name: self.name,
                        excitation: self.excitation_nanometers.cross(),
                        emission: self.emission_nanometers.cross(),
                        modality: self.modality.cross(),
                        color: self.color.map(|(red, green, blue)| [red, green, blue]),
                        class: self.class.cross(),
                        supports: self.supports.cross(),
                        labels: self.labels.cross(),
                        conditions: self.conditions.cross(),
                        planes: self.planes.cross(),
                    }
                }
            }
            $crate::__record!(image::ImageSpec, ImageSpec {
                name = name,
                extent = extent,
                dtype = dtype,
                significant_bits = significant_bits,
                pixel_size = pixel_size,
                time_increment = time_increment_seconds,
                acquired = acquired,
                channels = channels,
            });

            const UNITS: [(types::Unit, wit::Unit); 21] = [
                (types::Unit::None, wit::Unit::None),
                (types::Unit::Pixel, wit::Unit::Pixel),
                (types::Unit::Micrometer, wit::Unit::Micrometer),
                (types::Unit::SquareMicrometer, wit::Unit::SquareMicrometer),
                (types::Unit::CubicMicrometer, wit::Unit::CubicMicrometer),
                (types::Unit::Nanometer, wit::Unit::Nanometer),
                (types::Unit::Second, wit::Unit::Second),
                (types::Unit::Milliwatt, wit::Unit::Milliwatt),
                (types::Unit::Volt, wit::Unit::Volt),
                (types::Unit::Decibel, wit::Unit::Decibel),
                (types::Unit::Percent, wit::Unit::Percent),
                (types::Unit::Fraction, wit::Unit::Fraction),
                (types::Unit::Count, wit::Unit::Count),
                (types::Unit::GreyLevel, wit::Unit::GreyLevel),
                (types::Unit::Electron, wit::Unit::Electron),
                (types::Unit::Photon, wit::Unit::Photon),
                (types::Unit::Degree, wit::Unit::Degree),
                (types::Unit::Celsius, wit::Unit::Celsius),
                (types::Unit::JoulePerSquareCentimeter, wit::Unit::JoulePerSquareCentimeter),
                (types::Unit::SquarePixel, wit::Unit::SquarePixel),
                (types::Unit::CubicPixel, wit::Unit::CubicPixel),
            ];
            // A unit without a word in this version of the package would need a new version of it: the sizes of both
            // lists are held together here.
            const _: () = assert!(UNITS.len() == types::Unit::ALL.len());
            impl $crate::Cross<wit::Unit> for types::Unit {
                fn cross(self) -> wit::Unit {
                    UNITS.iter().find(|(sdk, _)| *sdk == self).map_or(wit::Unit::None, |(_, wit)| *wit)
                }
            }
            impl $crate::Cross<types::Unit> for wit::Unit {
                fn cross(self) -> types::Unit {
                    UNITS.iter().find(|(_, wit)| *wit == self).map_or(types::Unit::None, |(sdk, _)| *sdk)
                }
            }

            impl $crate::Cross<wit::Scalar> for types::Scalar {
                fn cross(self) -> wit::Scalar {
                    match self {
                        Self::Flag(value) => wit::Scalar::Flag(value),
                        Self::Integer(value) => wit::Scalar::Integer(value),
                        Self::Number(value) => wit::Scalar::Number(value),
                        Self::Text(value) => wit::Scalar::Text(value),
                    }
                }
            }
            impl $crate::Cross<types::Scalar> for wit::Scalar {
                fn cross(self) -> types::Scalar {
                    match self {
                        Self::Flag(value) => types::Scalar::Flag(value),
                        Self::Integer(value) => types::Scalar::Integer(value),
                        Self::Number(value) => types::Scalar::Number(value),
                        Self::Text(value) => types::Scalar::Text(value),
                    }
                }
            }
            impl $crate::Cross<wit::Scalar> for types::ParameterValue {
                fn cross(self) -> wit::Scalar {
                    match self {
                        Self::Flag(value) => wit::Scalar::Flag(value),
                        Self::Integer(value) => wit::Scalar::Integer(value),
                        Self::Number(value) => wit::Scalar::Number(value),
                        Self::Text(value) => wit::Scalar::Text(value),
                    }
                }
            }
            impl $crate::Cross<types::ParameterValue> for wit::Scalar {
                fn cross(self) -> types::ParameterValue {
                    match self {
                        Self::Flag(value) => types::ParameterValue::Flag(value),
                        Self::Integer(value) => types::ParameterValue::Integer(value),
                        Self::Number(value) => types::ParameterValue::Number(value),
                        Self::Text(value) => types::ParameterValue::Text(value),
                    }
                }
            }
            $crate::__cases!(types::ColumnKind, ColumnKind { Flag, Integer, Number, Text });
            $crate::__record!(types::Column, Column { name = name, unit = unit, kind = kind });
            $crate::__record!(types::Field, Field { name = name, unit = unit, value = value });

            $crate::__cases!(types::ParameterRole, ParameterRole { Setting, Tunable });
            impl $crate::Cross<wit::ParameterKind> for types::ParameterKind {
                fn cross(self) -> wit::ParameterKind {
                    match self {
                        Self::Flag { default } => wit::ParameterKind::Flag(default),
                        Self::Integer { default, min, max } => {
                            wit::ParameterKind::Integer(wit::IntegerRange { default, min, max })
                        }
                        Self::Number { default, min, max } => {
                            wit::ParameterKind::Number(wit::NumberRange { default, min, max })
                        }
                        Self::Choice { default, options } => {
                            wit::ParameterKind::Choice(wit::Choice { default, options })
                        }
                        Self::Text { default } => wit::ParameterKind::Text(default),
                    }
                }
            }
            impl $crate::Cross<types::ParameterKind> for wit::ParameterKind {
                fn cross(self) -> types::ParameterKind {
                    match self {
                        Self::Flag(default) => types::ParameterKind::Flag { default },
                        Self::Integer(wit::IntegerRange { default, min, max }) => {
                            types::ParameterKind::Integer { default, min, max }
                        }
                        Self::Number(wit::NumberRange { default, min, max }) => {
                            types::ParameterKind::Number { default, min, max }
                        }
                        Self::Choice(wit::Choice { default, options }) => {
                            types::ParameterKind::Choice { default, options }
                        }
                        Self::Text(default) => types::ParameterKind::Text { default },
                    }
                }
            }
            $crate::__record!(types::ParameterSpec, ParameterSpec {
                name = name, doc = doc, role = role, unit = unit, kind = kind,
            });

            $crate::__cases!(operator::Kind, OperatorKind { Map, Reduce, Whole });
            $crate::__cases!(operator::ThreadSafety, ThreadSafety { Single, Instance });
            $crate::__cases!(operator::PortKind, PortKind { Image, Labels, Table, Record });
            $crate::__record!(operator::InputPort, InputPort {
                name = name, kind = kind, dtypes = dtypes, optional = optional,
            });
            $crate::__record!(operator::OutputPort, OutputPort {
                name = name, kind = kind, yields = yields, preserves = preserves, network = network,
            });
            impl $crate::Cross<wit::TemporalWindow> for [u32; 2] {
                fn cross(self) -> wit::TemporalWindow {
                    wit::TemporalWindow { before: self[0], after: self[1] }
                }
            }
            impl $crate::Cross<[u32; 2]> for wit::TemporalWindow {
                fn cross(self) -> [u32; 2] {
                    [self.before, self.after]
                }
            }
            $crate::__record!(operator::Descriptor, Descriptor {
                id = id,
                summary = summary,
                kind = kind,
                threads = threads,
                deterministic = deterministic,
                temporal_window = temporal_window,
                max_halo = max_halo,
                inputs = inputs,
                outputs = outputs,
                parameters = parameters,
            });

            $crate::__cases!(operator::Tiling, Tiling { Split, Each, Whole, InOrder });
            $crate::__cases!(operator::Padding, Padding { Clip, Symmetric, Reflect, Edge, Zero });
            $crate::__record!(operator::InputRegion, InputRegion { port = port, region = region, padding = padding });
            impl $crate::Cross<wit::InputSpec> for operator::InputSpec<'_> {
                fn cross(self) -> wit::InputSpec {
                    wit::InputSpec { port: self.port, spec: self.spec.clone().cross() }
                }
            }
            impl $crate::Cross<wit::TileSize> for operator::TileSize {
                fn cross(self) -> wit::TileSize {
                    wit::TileSize { step: self.step, max: (self.max != u64::MAX).then_some(self.max) }
                }
            }
            impl $crate::Cross<operator::TileSize> for wit::TileSize {
                fn cross(self) -> operator::TileSize {
                    operator::TileSize { step: self.step, max: self.max.unwrap_or(u64::MAX) }
                }
            }
            $crate::__record!(operator::Plan, Plan {
                outputs = outputs,
                tiling = tiling,
                tile_sizes = tile_sizes,
                reduce_over = reduce_over,
                bytes_per_pixel = bytes_per_pixel,
                bytes = bytes,
            });

            // In the order of the wire codes, which begin at 1.
            const KINDS: [wit::ErrorKind; 26] = [
                wit::ErrorKind::NotSupported,
                wit::ErrorKind::NotFound,
                wit::ErrorKind::InvalidArgument,
                wit::ErrorKind::OutOfRange,
                wit::ErrorKind::ReadOnly,
                wit::ErrorKind::Locked,
                wit::ErrorKind::BadState,
                wit::ErrorKind::WrongThread,
                wit::ErrorKind::Busy,
                wit::ErrorKind::Timeout,
                wit::ErrorKind::Cancelled,
                wit::ErrorKind::Lost,
                wit::ErrorKind::Protocol,
                wit::ErrorKind::DeviceFault,
                wit::ErrorKind::Interlock,
                wit::ErrorKind::LimitHit,
                wit::ErrorKind::BufferOverflow,
                wit::ErrorKind::DataIncomplete,
                wit::ErrorKind::PermissionDenied,
                wit::ErrorKind::Incompatible,
                wit::ErrorKind::MissingRuntime,
                wit::ErrorKind::Unfit,
                wit::ErrorKind::OutOfMemory,
                wit::ErrorKind::Corrupt,
                wit::ErrorKind::PluginDied,
                wit::ErrorKind::Internal,
            ];
            impl $crate::Cross<wit::Error> for types::Error {
                /// The origin goes into the message: the host puts the plugin's name in its place.
                fn cross(self) -> wit::Error {
                    let index = usize::try_from(self.kind().code()).ok().and_then(|code| code.checked_sub(1));
                    wit::Error {
                        kind: index.and_then(|index| KINDS.get(index).copied()).unwrap_or(wit::ErrorKind::Internal),
                        details: self.kind().details().into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
                        message: self.to_string(),
                        remedy: self.remedy().map(str::to_owned),
                    }
                }
            }
            impl $crate::Cross<types::Error> for wit::Error {
                fn cross(self) -> types::Error {
                    let index = KINDS.iter().position(|kind| *kind == self.kind).unwrap_or(KINDS.len());
                    let code = i32::try_from(index + 1).unwrap_or(i32::MAX);
                    let error = types::Error::new(types::ErrorKind::from_wire(code, &self.details), self.message);
                    match self.remedy {
                        Some(remedy) => error.with_remedy(remedy),
                        None => error,
                    }
                }
            }
        };
    };
}
