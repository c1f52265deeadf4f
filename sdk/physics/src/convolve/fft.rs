//! A small Fourier transform with the same result on every machine.
//!
//! Stockham's algorithm in factors 2, 3, 4 and 5, decimated in frequency, on [`LANES`] signals side by side, so
//! that the innermost loop runs over neighbours. Real and imaginary parts are apart. Public crates take their twiddle factors from the system's sine, or choose their arithmetic by
//! processor; here they come from `libm`, and no step is fused.

use core::f64::consts::TAU;

/// Signals that are transformed together: enough to fill vector registers, few enough for the cache.
pub(super) const LANES: usize = 16;

/// One sample of each signal.
pub(super) type Sample = [f32; LANES];

/// A transform of one length.
pub(super) struct Fft {
    len: usize,
    radices: Vec<usize>,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

/// [`LANES`] complex signals.
#[derive(Clone)]
pub(super) struct Signals {
    pub(super) re: Vec<Sample>,
    pub(super) im: Vec<Sample>,
}

impl Signals {
    pub(super) fn zeros(len: usize) -> Self {
        Self { re: vec![[0.0; LANES]; len], im: vec![[0.0; LANES]; len] }
    }
}

/// The smallest length from `least` up that has no prime factor above 5.
pub(super) fn good_length(least: usize) -> usize {
    let mut len = least.max(1);
    loop {
        let mut rest = len;
        for prime in [2, 3, 5] {
            while rest.is_multiple_of(prime) {
                rest /= prime;
            }
        }
        if rest == 1 {
            return len;
        }
        len += 1;
    }
}

impl Fft {
    /// A transform of a [`good_length`].
    pub(super) fn new(len: usize) -> Self {
        let mut radices = Vec::new();
        let mut rest = len;
        for radix in [4, 2, 3, 5] {
            while rest > 1 && rest.is_multiple_of(radix) {
                radices.push(radix);
                rest /= radix;
            }
        }
        let (cos, sin) = (0..len)
            .map(|i| {
                let (s, c) = libm::sincos(TAU * i as f64 / len as f64);
                (c as f32, s as f32)
            })
            .unzip();
        Self { len, radices, cos, sin }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Transforms signals in place, without normalisation.
    pub(super) fn forward(&self, data: &mut Signals, scratch: &mut Signals) {
        let (mut n, mut stride) = (self.len, 1);
        for &radix in &self.radices {
            let pass = Pass { m: n / radix, stride, twiddle_step: self.len / n, fft: self };
            match radix {
                2 => pass.radix2(data, scratch),
                3 => pass.radix3(data, scratch),
                4 => pass.radix4(data, scratch),
                _ => pass.radix5(data, scratch),
            }
            core::mem::swap(data, scratch);
            n /= radix;
            stride *= radix;
        }
    }

    /// The inverse of [`forward`](Self::forward) times the length.
    pub(super) fn inverse(&self, data: &mut Signals, scratch: &mut Signals) {
        core::mem::swap(&mut data.re, &mut data.im);
        self.forward(data, scratch);
        core::mem::swap(&mut data.re, &mut data.im);
    }

    /// exp(-2πi `turns` / length).
    fn twiddle(&self, turns: usize) -> (f32, f32) {
        (self.cos[turns], -self.sin[turns])
    }
}

/// One pass of the algorithm: reads `radix` blocks `m * stride` apart, writes them side by side.
struct Pass<'a> {
    m: usize,
    stride: usize,
    twiddle_step: usize,
    fft: &'a Fft,
}

type C = (f32, f32);

fn add(a: C, b: C) -> C {
    (a.0 + b.0, a.1 + b.1)
}

fn sub(a: C, b: C) -> C {
    (a.0 - b.0, a.1 - b.1)
}

fn mul(a: C, b: C) -> C {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// Multiplies by -i.
fn turn(a: C) -> C {
    (a.1, -a.0)
}

fn scale(a: C, factor: f32) -> C {
    (a.0 * factor, a.1 * factor)
}

impl Pass<'_> {
    /// Applies `butterfly` to all groups of `R` values, and the twiddle factors to its results.
    fn run<const R: usize>(&self, from: &Signals, to: &mut Signals, butterfly: impl Fn([C; R]) -> [C; R]) {
        let Self { m, stride, twiddle_step, fft } = *self;
        for p in 0..m {
            let twiddles: [C; R] = core::array::from_fn(|k| fft.twiddle(k * p * twiddle_step));
            let inputs: [(&[Sample], &[Sample]); R] = core::array::from_fn(|j| {
                let range = (p + m * j) * stride..(p + m * j + 1) * stride;
                (&from.re[range.clone()], &from.im[range])
            });
            for q in 0..stride {
                let samples: [(&Sample, &Sample); R] =
                    core::array::from_fn(|j| (&inputs[j].0[q], &inputs[j].1[q]));
                let mut results = [([0.0; LANES], [0.0; LANES]); R];
                for lane in 0..LANES {
                    let values = butterfly(samples.map(|(re, im)| (re[lane], im[lane])));
                    for k in 0..R {
                        let value = if k == 0 { values[0] } else { mul(values[k], twiddles[k]) };
                        (results[k].0[lane], results[k].1[lane]) = value;
                    }
                }
                for (k, (re, im)) in results.into_iter().enumerate() {
                    to.re[(R * p + k) * stride + q] = re;
                    to.im[(R * p + k) * stride + q] = im;
                }
            }
        }
    }

    fn radix2(&self, from: &Signals, to: &mut Signals) {
        self.run(from, to, |[a, b]| [add(a, b), sub(a, b)]);
    }

    fn radix3(&self, from: &Signals, to: &mut Signals) {
        const SIN_60: f32 = 0.866_025_4;
        self.run(from, to, |[a, b, c]| {
            let sum = add(b, c);
            let middle = sub(a, scale(sum, 0.5));
            let side = turn(scale(sub(b, c), SIN_60));
            [add(a, sum), add(middle, side), sub(middle, side)]
        });
    }

    fn radix4(&self, from: &Signals, to: &mut Signals) {
        self.run(from, to, |[a, b, c, d]| {
            let (ac, bd) = (add(a, c), add(b, d));
            let (a_c, b_d) = (sub(a, c), turn(sub(b, d)));
            [add(ac, bd), add(a_c, b_d), sub(ac, bd), sub(a_c, b_d)]
        });
    }

    fn radix5(&self, from: &Signals, to: &mut Signals) {
        const COS_72: f32 = 0.309_017;
        const COS_144: f32 = -0.809_017;
        const SIN_72: f32 = 0.951_056_5;
        const SIN_144: f32 = 0.587_785_25;
        self.run(from, to, |[a, b, c, d, e]| {
            let (outer, inner) = (add(b, e), add(c, d));
            let (outer_d, inner_d) = (sub(b, e), sub(c, d));
            let first = add(a, add(scale(outer, COS_72), scale(inner, COS_144)));
            let second = add(a, add(scale(outer, COS_144), scale(inner, COS_72)));
            let first_side = turn(add(scale(outer_d, SIN_72), scale(inner_d, SIN_144)));
            let second_side = turn(sub(scale(outer_d, SIN_144), scale(inner_d, SIN_72)));
            [
                add(a, add(outer, inner)),
                add(first, first_side),
                add(second, second_side),
                sub(second, second_side),
                sub(first, first_side),
            ]
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(re: &[f64], im: &[f64]) -> Vec<(f64, f64)> {
        let n = re.len();
        (0..n)
            .map(|k| {
                (0..n).fold((0.0, 0.0), |sum, i| {
                    let (s, c) = libm::sincos(TAU * ((i * k) % n) as f64 / n as f64);
                    (sum.0 + re[i] * c + im[i] * s, sum.1 + im[i] * c - re[i] * s)
                })
            })
            .collect()
    }

    #[test]
    fn every_length_agrees_with_the_definition_and_comes_back() {
        for len in [1, 2, 3, 4, 5, 6, 8, 9, 12, 15, 20, 25, 30, 48, 60, 125, 240, 576] {
            let value = |i: usize| ((i * 7919 + 13) % 101) as f32 / 50.0 - 1.0;
            let signals = |shift: usize| {
                (0..len)
                    .map(|i| core::array::from_fn(|lane| value(i * LANES + lane + shift)))
                    .collect::<Vec<Sample>>()
            };
            let mut data = Signals { re: signals(0), im: signals(37) };
            let original = data.clone();
            let mut scratch = Signals::zeros(len);
            let fft = Fft::new(len);
            fft.forward(&mut data, &mut scratch);
            for lane in [0, 7, LANES - 1] {
                let pick = |v: &[Sample]| v.iter().map(|x| f64::from(x[lane])).collect::<Vec<_>>();
                let expected = slow(&pick(&original.re), &pick(&original.im));
                for (k, (re, im)) in expected.iter().enumerate() {
                    let got = (f64::from(data.re[k][lane]), f64::from(data.im[k][lane]));
                    let error = (got.0 - re).abs().max((got.1 - im).abs());
                    assert!(error < 2e-6 * len as f64, "length {len}, frequency {k}: {got:?} and {re}, {im}");
                }
            }
            fft.inverse(&mut data, &mut scratch);
            for (got, want) in data.re.as_flattened().iter().zip(original.re.as_flattened()) {
                assert!((got / len as f32 - want).abs() < 1e-5, "length {len}");
            }
        }
    }

    #[test]
    fn good_lengths_have_small_factors_only() {
        assert_eq!([1, 7, 11, 49, 552].map(good_length), [1, 8, 12, 50, 576]);
    }
}
