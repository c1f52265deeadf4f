//! What a fault is, and the layer that it lives in.

use parfocal_plugin::{
    prelude::*,
    private::{abi::entry::Entry, operator::Operator as Behaviour},
    with_pixel_type,
};

/// A plugin with one fault.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Its name; the switch has it.
    pub name: &'static str,
    /// The case that is there to notice it.
    pub case: &'static str,
    /// Other cases that notice it too, because they try what contains it.
    pub also: &'static [&'static str],
    /// What it does, in a clause: "adds one to ...".
    pub what: &'static str,
    /// The golden operator that it is about.
    pub operator: &'static str,
    /// How it is done.
    pub act: Act,
}

/// Makes an instance of a golden operator.
pub type Make<'a> = &'a dyn Fn(&str, &Parameters) -> Result<Box<dyn Behaviour>>;

/// Where a fault sits.
#[derive(Clone, Copy)]
pub enum Act {
    /// In each plan.
    Plan(fn(&mut Planning<'_>) -> Result<Plan>),
    /// In each run.
    Run(fn(&mut Running<'_, '_>) -> Result<()>),
    /// The same, and the manifest asks for a folder.
    Asking(fn(&mut Running<'_, '_>) -> Result<()>),
    /// Between the host and the operator, in any call.
    Wrap(fn(Box<dyn Behaviour>) -> Box<dyn Behaviour>),
    /// Where instances are made.
    Create(fn(&str, &Parameters, Make<'_>) -> Result<Box<dyn Behaviour>>),
    /// In what code and manifest declare.
    Declare(fn(&mut Descriptor)),
    /// In what the code declares; the manifest is right.
    Describe(fn(&mut Descriptor)),
    /// In negotiation: gets the host's range and the right answer.
    Entry(fn(u32, u32, *const Entry) -> *const Entry),
    /// In the moment when the library is mapped.
    Load(fn()),
    /// In the package around the code.
    Package(fn(&mut crate::package::Package)),
    /// In code that is not Rust; the golden operator is only what it is compared with.
    Foreign(Foreign),
    /// In a WASM component beside a library that keeps the contract: `component.rs`.
    Component,
}

impl Fault {
    /// Whether a host loads its code. If not, every case that needs it fails with the fault's own.
    #[must_use]
    pub fn loads(&self) -> bool {
        !matches!(self.act, Act::Foreign(Foreign { language: Language::Wat, .. }))
    }
}

/// A whole plugin that is not written in Rust.
#[derive(Clone, Copy)]
pub struct Foreign {
    /// What it is written in.
    pub language: Language,
    /// Its source.
    pub source: &'static str,
    /// What its manifest says of its operators.
    pub declared: fn() -> Vec<Descriptor>,
}

/// A call of [`Operator::plan`](Behaviour::plan) on its way to the operator.
pub struct Planning<'a> {
    /// The operator.
    pub inner: &'a mut dyn Behaviour,
    /// What it is given.
    pub inputs: &'a [InputSpec<'a>],
    /// What it may use.
    pub services: &'a dyn Services,
}

impl Planning<'_> {
    /// Lets the operator plan.
    ///
    /// # Errors
    /// The operator's.
    pub fn proceed(&mut self) -> Result<Plan> {
        self.inner.plan(self.inputs, self.services)
    }
}

/// A call of [`Operator::run`](Behaviour::run) on its way to the operator.
pub struct Running<'a, 't> {
    /// The operator.
    pub inner: &'a mut dyn Behaviour,
    /// What it is given.
    pub tiles: &'a mut Tiles<'t>,
    /// What it may use.
    pub services: &'a dyn Services,
}

impl Running<'_, '_> {
    /// Lets the operator run.
    ///
    /// # Errors
    /// The operator's.
    pub fn proceed(&mut self) -> Result<()> {
        self.inner.run(self.tiles, self.services)
    }

    /// Lets the operator run, and changes each pixel that came out, from its place in the image along T C Z Y X and its value.
    ///
    /// # Errors
    /// The operator's, and when a tile is not what its type says.
    pub fn repaint(&mut self, change: impl FnMut([i64; 5], f64) -> f64) -> Result<()> {
        self.proceed()?;
        repaint(self.tiles, change)
    }
}

/// What plugins are written in that are not written in Rust.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// A library.
    C,
    /// A program.
    Python,
    /// A component, in the text form of WASM.
    Wat,
}

/// One fault of an operator: it stands between the host and an operator that keeps the contract, and breaks one call.
pub trait Sabotage: Send {
    /// Instead of [`Operator::plan`](Behaviour::plan).
    ///
    /// # Errors
    /// As the operator's.
    fn plan(&mut self, call: &mut Planning<'_>) -> Result<Plan> {
        call.proceed()
    }

    /// Instead of [`Operator::required_input`](Behaviour::required_input).
    ///
    /// # Errors
    /// As the operator's.
    fn required_input(&self, inner: &dyn Behaviour, core: &Region) -> Result<Vec<InputRegion>> {
        inner.required_input(core)
    }

    /// Instead of [`Operator::reset`](Behaviour::reset).
    ///
    /// # Errors
    /// As the operator's.
    fn reset(&mut self, inner: &mut dyn Behaviour, services: &dyn Services) -> Result<()> {
        inner.reset(services)
    }

    /// Instead of [`Operator::run`](Behaviour::run).
    ///
    /// # Errors
    /// As the operator's.
    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        call.proceed()
    }

    /// Instead of [`Operator::merge`](Behaviour::merge).
    ///
    /// # Errors
    /// As the operator's.
    fn merge(
        &mut self,
        inner: &mut dyn Behaviour,
        left: Vec<u8>,
        right: &[u8],
        services: &dyn Services,
    ) -> Result<Vec<u8>> {
        inner.merge(left, right, services)
    }

    /// Instead of [`Operator::finish`](Behaviour::finish).
    ///
    /// # Errors
    /// As the operator's.
    fn finish(
        &mut self,
        inner: &mut dyn Behaviour,
        total: &[u8],
        sink: &mut dyn Sink,
        services: &dyn Services,
    ) -> Result<Vec<u8>> {
        inner.finish(total, sink, services)
    }

    /// Instead of [`Operator::save`](Behaviour::save).
    ///
    /// # Errors
    /// As the operator's.
    fn save(&mut self, inner: &mut dyn Behaviour, services: &dyn Services) -> Result<Vec<u8>> {
        inner.save(services)
    }

    /// Instead of [`Operator::load`](Behaviour::load).
    ///
    /// # Errors
    /// As the operator's.
    fn load(&mut self, inner: &mut dyn Behaviour, state: &[u8], services: &dyn Services) -> Result<()> {
        inner.load(state, services)
    }
}

struct Faulty<S> {
    inner: Box<dyn Behaviour>,
    sabotage: S,
}

/// The operator with a fault in front.
#[must_use]
pub fn with<S: Sabotage + Default + 'static>(inner: Box<dyn Behaviour>) -> Box<dyn Behaviour> {
    around(inner, S::default())
}

/// The operator with a fault in front that knows something.
#[must_use]
pub fn around<S: Sabotage + 'static>(inner: Box<dyn Behaviour>, sabotage: S) -> Box<dyn Behaviour> {
    Box::new(Faulty { inner, sabotage })
}

/// A fault of each plan.
struct OfPlans(fn(&mut Planning<'_>) -> Result<Plan>);

impl Sabotage for OfPlans {
    fn plan(&mut self, call: &mut Planning<'_>) -> Result<Plan> {
        (self.0)(call)
    }
}

/// A fault of each run.
struct OfRuns(fn(&mut Running<'_, '_>) -> Result<()>);

impl Sabotage for OfRuns {
    fn run(&mut self, call: &mut Running<'_, '_>) -> Result<()> {
        (self.0)(call)
    }
}

impl Act {
    /// The operator with this in front; as it is when this sits elsewhere.
    #[must_use]
    pub fn wrap(self, inner: Box<dyn Behaviour>) -> Box<dyn Behaviour> {
        match self {
            Self::Plan(plan) => around(inner, OfPlans(plan)),
            Self::Run(run) | Self::Asking(run) => around(inner, OfRuns(run)),
            Self::Wrap(wrap) => wrap(inner),
            _ => inner,
        }
    }
}

impl<S: Sabotage> Behaviour for Faulty<S> {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        self.sabotage.plan(&mut Planning { inner: self.inner.as_mut(), inputs, services })
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        self.sabotage.required_input(self.inner.as_ref(), core)
    }

    fn reset(&mut self, services: &dyn Services) -> Result<()> {
        self.sabotage.reset(self.inner.as_mut(), services)
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        self.sabotage.run(&mut Running { inner: self.inner.as_mut(), tiles, services })
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        self.inner.accumulate(tiles, services)
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], services: &dyn Services) -> Result<Vec<u8>> {
        self.sabotage.merge(self.inner.as_mut(), left, right, services)
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        self.sabotage.finish(self.inner.as_mut(), total, sink, services)
    }

    fn conclude(&mut self, conclusion: &[u8], services: &dyn Services) -> Result<()> {
        self.inner.conclude(conclusion, services)
    }

    fn save(&mut self, services: &dyn Services) -> Result<Vec<u8>> {
        self.sabotage.save(self.inner.as_mut(), services)
    }

    fn load(&mut self, state: &[u8], services: &dyn Services) -> Result<()> {
        self.sabotage.load(self.inner.as_mut(), state, services)
    }
}

/// Changes each pixel that came out, from its place in the image along T C Z Y X and its value.
///
/// # Errors
/// When the tile is not what its type says.
pub fn repaint(tiles: &mut Tiles<'_>, mut change: impl FnMut([i64; 5], f64) -> f64) -> Result<()> {
    for output in &mut *tiles.outputs {
        let [ts, cs, zs, ys, _] = output.pixels.region().extent.0.map(|size| size as usize);
        let [t0, c0, z0, y0, x0] = output.pixels.region().origin;
        with_pixel_type!(output.pixels.dtype(), T => {
            let mut pixels = output.pixels.view_mut::<T>()?;
            for index in 0..ts * cs * zs * ys {
                let [t, c, z, y] = [index / (cs * zs * ys), index / (zs * ys) % cs, index / ys % zs, index % ys];
                for (x, value) in pixels.row_mut(t, c, z, y).iter_mut().enumerate() {
                    let place =
                        [t0 + t as i64, c0 + c as i64, z0 + z as i64, y0 + y as i64, x0 + x as i64];
                    *value = T::from_f64(change(place, value.to_f64()));
                }
            }
        });
    }
    Ok(())
}
