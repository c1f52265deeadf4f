//! What crosses arrives unchanged, in both directions.

use parfocal_image::{
    Buffer, Channel, ClockReading, Conditions, DType, Extent, Finder, FrameFacts, ImageSpec, LabelOrigin,
    Modality, Objective, Pixel, PixelClass, PixelSize, PlaneConditions, Region, ScanMode, StagePosition,
    Supports, TimeAnchor,
};
use parfocal_operator::{Input, InputRegion, InputSpec, Operator, Output, Padding, TileSize, Tiles, Tiling};
use parfocal_types::{Parameters, units::*};

use crate::{
    operators,
    support::{EXTENT, LIMITS, create, fixture_library, parameters, plan, planned, quiet, run},
};

/// A small generator with a fixed seed: the same specs every time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        // Xorshift64* (Vigna 2016).
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 1).then(|| make(self))
    }

    fn number(&mut self) -> f64 {
        [0.1, -1.5, 1e-300, f64::MAX, 1.0 / 3.0, f64::INFINITY][self.below(6) as usize]
    }

    fn text(&mut self) -> String {
        ["", "DAPI", "µm — 日本", "a\0b\n\t", "\u{1f52c}"][self.below(5) as usize]
            .repeat(self.below(3) as usize)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    fn conditions(&mut self) -> Conditions {
        Conditions {
            objective: self.maybe(|d| Objective {
                magnification: d.maybe(Self::number),
                numerical_aperture: d.maybe(Self::number),
                immersion_index: d.maybe(Self::number),
            }),
            pinhole: self.maybe(|d| Micrometers(d.number())),
            zoom: self.maybe(Self::number),
            scan_mode: self.maybe(|d| {
                d.pick(&[ScanMode::Widefield, ScanMode::Galvano, ScanMode::Resonant, ScanMode::SpinningDisk])
            }),
            averaging: self.maybe(|d| d.roll() as u32),
            exposure: self.maybe(|d| Seconds(d.number())),
            dwell: self.maybe(|d| Seconds(d.number())),
            light_power: self.maybe(|d| Milliwatts(d.number())),
            light_fraction: self.maybe(|d| Fraction(d.number())),
            detector_gain: self.maybe(|d| Volts(d.number())),
            detector_offset: self.maybe(|d| GreyLevels(d.number())),
            camera_gain: self.maybe(|d| ElectronsPerGreyLevel(d.number())),
            camera_offset: self.maybe(|d| GreyLevels(d.number())),
            read_noise: self.maybe(|d| Electrons(d.number())),
            binning: self.maybe(|d| [d.roll() as u32, d.roll() as u32]),
            bit_depth: self.maybe(|d| d.roll() as u32),
            stage_position: self.maybe(|d| StagePosition {
                x: d.maybe(|d| Micrometers(d.number())),
                y: d.maybe(|d| Micrometers(d.number())),
                z: d.maybe(|d| Micrometers(d.number())),
            }),
            time: self.maybe(|d| Seconds(d.number())),
            dose: self.maybe(|d| JoulesPerSquareCentimeter(d.number())),
        }
    }

    fn planes(&mut self) -> Vec<PlaneConditions> {
        (0..self.below(4))
            .map(|_| PlaneConditions { t: self.roll(), z: self.roll(), conditions: self.conditions() })
            .collect()
    }

    fn frames(&mut self) -> Vec<FrameFacts> {
        (0..self.below(4))
            .map(|_| FrameFacts {
                t: self.roll(),
                c: self.roll(),
                z: self.roll(),
                number: self.maybe(Self::roll),
                dropped_before: self.roll(),
                conditions: self.conditions(),
            })
            .collect()
    }

    fn anchor(&mut self) -> TimeAnchor {
        let unix_ns = self.roll() as i64;
        TimeAnchor { unix_ns, clock: self.maybe(|d| ClockReading { id: d.text(), ns: d.roll() }) }
    }

    fn channel(&mut self) -> Channel {
        Channel {
            name: self.text(),
            excitation: self.maybe(|d| Nanometers(d.number())),
            emission: self.maybe(|d| Nanometers(d.number())),
            modality: self.maybe(|d| d.pick(&Modality::ALL)),
            color: self.maybe(|d| [d.roll() as u8, d.roll() as u8, d.roll() as u8]),
            class: self.pick(&PixelClass::ALL),
            supports: Supports::from_bits(self.roll() as u32),
            labels: self.maybe(|d| LabelOrigin {
                basis: d.pick(&PixelClass::ALL),
                finder: match d.below(3) {
                    0 => Finder::Classical { operator: d.text() },
                    1 => Finder::Network { operator: d.text(), model: d.text() },
                    _ => Finder::Manual,
                },
            }),
            conditions: self.conditions(),
            planes: self.planes(),
        }
    }

    fn spec(&mut self) -> ImageSpec {
        ImageSpec {
            name: self.text(),
            extent: Extent([(); 5].map(|()| self.roll())),
            dtype: self.pick(&DType::ALL),
            significant_bits: self.roll() as u32,
            pixel_size: PixelSize {
                x: self.maybe(|d| Micrometers(d.number())),
                y: self.maybe(|d| Micrometers(d.number())),
                z: self.maybe(|d| Micrometers(d.number())),
            },
            time_increment: self.maybe(|d| Seconds(d.number())),
            acquired: self.maybe(Self::anchor),
            channels: (0..self.below(4)).map(|_| self.channel()).collect(),
        }
    }

    fn region(&mut self) -> Region {
        Region::new([(); 5].map(|()| (self.roll() as i64) >> 1), Extent([(); 5].map(|()| self.roll())))
    }
}

#[test]
fn descriptors_arrive_as_they_were_declared() {
    let Some(library) = fixture_library(LIMITS) else { return };
    assert_eq!(library.operators(), operators::descriptors());
    let info = library.info();
    assert_eq!((info.lane, info.plugin.as_str()), ("wasm", "org.example.fixture"));
    assert_eq!(info.interface, parfocal_operator::VERSION);
}

#[test]
fn image_specs_come_back_unchanged() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = create(&*library, "echo", &[]);
    let mut dice = Dice(42);
    for round in 0..500 {
        let specs: Vec<ImageSpec> = (0..dice.below(4)).map(|_| dice.spec()).collect();
        let plan = plan(&mut *operator, &specs).unwrap();
        assert_eq!(plan.outputs, specs, "round {round}");
    }
}

#[test]
fn plans_and_regions_come_back_unchanged() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = create(&*library, "echo", &[]);
    let mut native = operators::create("echo", &Parameters::default()).unwrap();
    let found = plan(&mut *operator, &[]).unwrap();
    assert_eq!(found, plan(&mut *native, &[]).unwrap());
    assert_eq!(found.tiling, [Tiling::Each, Tiling::Whole, Tiling::Split, Tiling::InOrder, Tiling::Whole]);
    assert_eq!(found.tile_sizes[..2], [TileSize::ANY, TileSize { step: 16, max: 512 }]);

    let spec = ImageSpec::new(EXTENT, DType::U16);
    let mut dice = Dice(7);
    for _ in 0..100 {
        // Ports that may be left out are left out anywhere.
        let ports: Vec<u32> = (0..9).chain([u32::MAX]).filter(|_| dice.below(2) == 1).collect();
        let inputs: Vec<_> = ports.iter().map(|port| InputSpec { port: *port, spec: &spec }).collect();
        operator.plan(&inputs, &quiet()).unwrap();
        native.plan(&inputs, &quiet()).unwrap();
        let core = dice.region();
        let found: Vec<InputRegion> = operator.required_input(&core).unwrap();
        assert_eq!(found, native.required_input(&core).unwrap());
        assert_eq!(found.iter().map(|input| input.port).collect::<Vec<_>>(), ports);
        if let Some(second) = found.get(1) {
            assert_eq!((second.padding, second.region.extent), (Padding::Symmetric, core.extent));
        }
    }
}

#[test]
fn parameters_arrive_with_their_types() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let given = [
        ("flag", "false"),
        ("whole", "-9223372036854775808"),
        ("number", "0.30000000000000004"),
        ("how", "panic"),
        ("text", "a = b, µ\0"),
    ];
    let parameters: Parameters = parameters(&*library, "echo", &given);
    let error = library.create("echo", &parameters).err().unwrap();
    assert_eq!(error.message(), format!("{parameters:?}"));
    assert_eq!(error.remedy(), Some("say something else"));
    assert_eq!(error.origin(), Some("org.example.fixture 1.2.3"));
}

#[test]
fn every_kind_of_error_arrives_with_its_details() {
    let Some(library) = fixture_library(LIMITS) else { return };
    for code in 1..=26 {
        let operator = create(&*library, "fail", &[("code", &code.to_string())]);
        let found = operator.required_input(&Region::whole(EXTENT)).unwrap_err();
        let expected = operators::failure(code);
        assert_eq!(found.kind(), expected.kind());
        assert_eq!((found.message(), found.remedy()), (expected.message(), expected.remedy()));
        assert_eq!(found.origin(), Some("org.example.fixture 1.2.3"));
    }
}

fn survives<T: Pixel>(operator: &mut dyn Operator, values: &[T]) {
    let extent = Extent::new(2, 3, 2, 5, 7);
    let data: Vec<T> = (0..420).map(|index| values[index % values.len()]).collect();
    let found = run::<T, T>(operator, &data, extent, &quiet()).unwrap();
    assert_eq!(bytemuck::cast_slice::<T, u8>(&found), bytemuck::cast_slice::<T, u8>(&data), "{}", T::DTYPE);
}

#[test]
fn pixels_of_every_type_come_back_bit_by_bit() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = create(&*library, "echo", &[]);
    survives(&mut *operator, &[0_u8, 1, 127, 128, 255]);
    survives(&mut *operator, &[i8::MIN, -1, 0, i8::MAX]);
    survives(&mut *operator, &[0_u16, 1, 32768, u16::MAX]);
    survives(&mut *operator, &[i16::MIN, -1, 0, i16::MAX]);
    survives(&mut *operator, &[0_u32, 1, 1 << 31, u32::MAX]);
    let nan = f32::from_bits(0x7fc1_2345);
    survives(&mut *operator, &[0.0_f32, -0.0, f32::MIN_POSITIVE / 2.0, f32::INFINITY, nan, 1.0 / 3.0]);
}

#[test]
fn parts_of_buffers_cross_as_if_they_were_dense() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = create(&*library, "echo", &[]);
    let extent = Extent::new(1, 2, 3, 40, 50);
    let data: Vec<u16> = (0..12_000).collect();
    let whole = Buffer::from_slice(&data, Region::whole(extent)).unwrap();
    let inner = Region::new([0, 0, 0, 3, 7], Extent::new(1, 2, 3, 31, 29));
    let pixels = whole.pixels().unwrap();
    let part = parfocal_image::PixelsRef::new(
        DType::U16,
        &pixels.bytes()[(3 * 50 + 7) * 2..],
        inner,
        *pixels.strides(),
    )
    .unwrap();
    let frames = Dice(3).frames();
    assert!(frames.len() > 1, "{frames:?}");
    let mut target = Buffer::zeroed(DType::U16, Region::whole(extent)).unwrap();
    let services = quiet();
    {
        let mut target = target.pixels_mut().unwrap();
        let inputs = [Input { port: 2, pixels: part, full: extent, frames: &frames }];
        let mut outputs = [Output { pixels: target.part_mut(&inner).unwrap(), full: extent }];
        operator.run(&mut Tiles { core: inner, inputs: &inputs, outputs: &mut outputs }, &services).unwrap();
    }
    let lines: Vec<String> = services.lines().into_iter().map(|line| line.text).collect();
    let mut expected = vec![format!("{inner} | 2 | {inner} | {extent}")];
    expected.extend(frames.iter().map(|frame| format!("{frame:?}")));
    assert_eq!(lines, expected);
    let found = target.view::<u16>().unwrap();
    for (row, (found, given)) in found.rows().zip(whole.view::<u16>().unwrap().rows()).enumerate() {
        for x in 0..50 {
            let inside = (3..34).contains(&(row % 40)) && (7..36).contains(&x);
            assert_eq!(found[x], if inside { given[x] } else { 0 }, "row {row}, column {x}");
        }
    }
}

#[test]
fn large_tiles_cross_in_pieces() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = planned(create(&*library, "echo", &[]));
    let data: Vec<u16> = (0..1024 * 1023_u32).map(|index| (index * 7) as u16).collect();
    assert!(run::<u16, u16>(&mut *operator, &data, Extent::plane(1024, 1023), &quiet()).unwrap() == data);
}

#[test]
fn bytes_of_partial_results_cross() {
    let Some(library) = fixture_library(LIMITS) else { return };
    let mut operator = create(&*library, "echo", &[]);
    let left: Vec<u8> = (0..=255).collect();
    assert_eq!(operator.merge(left.clone(), &[1, 2], &quiet()).unwrap(), [&left[..], &[1, 2]].concat());
    assert!(operator.merge(Vec::new(), &[], &quiet()).unwrap().is_empty());
    let error = operator.conclude(&[1], &quiet()).unwrap_err();
    assert_eq!(error.kind().name(), "not-supported", "a map operator has no conclusion");
}
