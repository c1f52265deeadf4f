//! An operator that outlives its instances.
//!
//! Plugin code can lose an instance: a panic, a trap, a process that died. A lane only says how to make one
//! ([`Maker`]) and when one is lost ([`Mortal`]); [`Enduring`] is the operator that the scheduler sees. For the call after
//! a loss it makes a new instance, tells it what the last one was told (plan and conclusion), and holds its plan against
//! the first answer. What an instance had *seen* cannot be told again: in the middle of a sequence every further call is
//! refused until the sequence begins anew, so that no result is ever computed on half a memory.

use std::cell::RefCell;

use parfocal_image::{ImageSpec, Region};
use parfocal_operator::{InputRegion, InputSpec, LogLevel, Operator, Plan, Services, Sink, Tiles, Tiling};
use parfocal_types::error::{Error, ErrorKind, Result};

/// An instance that can be lost. Implemented by lanes.
pub trait Mortal: Operator {
    /// Whether the last call lost it: then it is dropped, and never called again.
    fn is_lost(&self) -> bool;
}

/// Makes instances of one operator with its parameters. Implemented by lanes.
pub trait Maker: Send {
    /// What it makes.
    type Instance: Mortal;

    /// Plugin and operator, for messages.
    fn label(&self) -> &str;

    /// Makes an instance that knows its parameters only.
    ///
    /// # Errors
    /// What the operator says to its parameters; what the lane says when it cannot make one.
    fn make(&self) -> Result<Self::Instance>;
}

/// An operator whose instance is made anew when it was lost.
pub struct Enduring<M: Maker> {
    maker: M,
    /// `None` after a loss.
    living: RefCell<Option<M::Instance>>,
    story: Story,
    memory: Memory,
}

/// What an instance was told, to tell it again to its successor.
#[derive(Default)]
struct Story {
    planned: Option<Planned>,
    conclusion: Option<Vec<u8>>,
}

/// What it was planned for, and what it answered.
struct Planned {
    inputs: Vec<(u32, ImageSpec)>,
    seed: u64,
    answer: Plan,
}

/// What an instance knows that cannot be told again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// Nothing: each call stands for itself.
    None,
    /// What it saw of a sequence.
    Sequence,
    /// A part of it: something failed in the sequence.
    Torn,
}

impl<M: Maker> Enduring<M> {
    /// Makes the first instance at once, so that what the operator says to its parameters is heard now.
    ///
    /// # Errors
    /// Those of [`Maker::make`].
    pub fn new(maker: M) -> Result<Self> {
        let living = RefCell::new(Some(maker.make()?));
        Ok(Self { maker, living, story: Story::default(), memory: Memory::None })
    }

    /// A call on the living instance, or on a new one when the last was lost.
    fn call<T>(
        &self,
        services: Option<&dyn Services>,
        work: impl FnOnce(&mut M::Instance) -> Result<T>,
    ) -> Result<T> {
        let mut living =
            self.living.try_borrow_mut().map_err(|_| Error::internal("an instance was entered twice"))?;
        let mut instance = match living.take() {
            Some(instance) => instance,
            None => self
                .successor(services)
                .map_err(|error| error.context("making a new instance after the last was lost"))?,
        };
        let result = work(&mut instance);
        if !instance.is_lost() {
            *living = Some(instance);
        }
        result
    }

    /// An instance that was told the whole story.
    fn successor(&self, services: Option<&dyn Services>) -> Result<M::Instance> {
        let mut made = self.maker.make()?;
        let Some(Planned { inputs, seed, answer }) = &self.story.planned else { return Ok(made) };
        let again = Again { now: services, seed: *seed };
        let inputs: Vec<_> = inputs.iter().map(|(port, spec)| InputSpec { port: *port, spec }).collect();
        if made.plan(&inputs, &again)? != *answer {
            return Err(Error::internal("it plans otherwise when it is asked again, for the same inputs")
                .with_origin(self.maker.label())
                .with_remedy("this is a defect of the plugin: tell its author, or use another version"));
        }
        if let Some(conclusion) = &self.story.conclusion {
            made.conclude(conclusion, &again)?;
        }
        Ok(made)
    }

    /// A call that goes on with what the instance has seen.
    fn go_on<T>(
        &mut self,
        services: &dyn Services,
        work: impl FnOnce(&mut M::Instance) -> Result<T>,
    ) -> Result<T> {
        if self.memory == Memory::Torn {
            return Err(Error::new(
                ErrorKind::BadState {
                    need: "reset".into(),
                    is: "in a sequence in which a call failed".into(),
                },
                "a call failed in its sequence, and what it had seen is lost or incomplete",
            )
            .with_origin(self.maker.label())
            .with_remedy(
                "start the sequence again with `reset`, or continue from a saved state with `load`",
            ));
        }
        let result = self.call(Some(services), work);
        if result.is_err() && self.memory == Memory::Sequence {
            self.memory = Memory::Torn;
        }
        result
    }

    /// A call that begins a sequence; only its success mends one that was torn.
    fn begin(
        &mut self,
        services: &dyn Services,
        memory: Memory,
        work: impl FnOnce(&mut M::Instance) -> Result<()>,
    ) -> Result<()> {
        let result = self.call(Some(services), work);
        self.memory = match (&result, self.memory) {
            (Ok(()), _) => memory,
            (Err(_), Memory::None) => Memory::None,
            (Err(_), Memory::Sequence | Memory::Torn) => Memory::Torn,
        };
        result
    }

    fn plans_in_order(&self) -> bool {
        let planned = self.story.planned.as_ref();
        planned.is_some_and(|planned| planned.answer.tiling.contains(&Tiling::InOrder))
    }
}

impl<M: Maker> Operator for Enduring<M> {
    fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
        // What a new instance would be told is of the inputs before.
        (self.story, self.memory) = (Story::default(), Memory::None);
        let answer = self.call(Some(services), |instance| instance.plan(inputs, services))?;
        let inputs = inputs.iter().map(|input| (input.port, input.spec.clone())).collect();
        self.story.planned = Some(Planned { inputs, seed: services.seed(), answer: answer.clone() });
        if self.plans_in_order() {
            self.memory = Memory::Sequence;
        }
        Ok(answer)
    }

    fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
        self.call(None, |instance| instance.required_input(core))
    }

    fn reset(&mut self, services: &dyn Services) -> Result<()> {
        let memory = if self.plans_in_order() { Memory::Sequence } else { Memory::None };
        self.begin(services, memory, |instance| instance.reset(services))
    }

    fn run(&mut self, tiles: &mut Tiles<'_>, services: &dyn Services) -> Result<()> {
        self.go_on(services, |instance| instance.run(tiles, services))
    }

    fn accumulate(&mut self, tiles: &Tiles<'_>, services: &dyn Services) -> Result<Vec<u8>> {
        self.go_on(services, |instance| instance.accumulate(tiles, services))
    }

    fn merge(&mut self, left: Vec<u8>, right: &[u8], services: &dyn Services) -> Result<Vec<u8>> {
        self.go_on(services, |instance| instance.merge(left, right, services))
    }

    fn finish(&mut self, total: &[u8], sink: &mut dyn Sink, services: &dyn Services) -> Result<Vec<u8>> {
        self.go_on(services, |instance| instance.finish(total, sink, services))
    }

    fn conclude(&mut self, conclusion: &[u8], services: &dyn Services) -> Result<()> {
        self.story.conclusion = None;
        self.go_on(services, |instance| instance.conclude(conclusion, services))?;
        self.story.conclusion = Some(conclusion.to_vec());
        Ok(())
    }

    fn save(&mut self, services: &dyn Services) -> Result<Vec<u8>> {
        self.go_on(services, |instance| instance.save(services))
    }

    fn load(&mut self, state: &[u8], services: &dyn Services) -> Result<()> {
        // What is loaded is a memory, whatever the plan says.
        let memory = if state.is_empty() && !self.plans_in_order() { Memory::None } else { Memory::Sequence };
        self.begin(services, memory, |instance| instance.load(state, services))
    }
}

/// The services of what is told again: the user has read it, so nobody listens, and it is told as in the run that it was
/// planned for.
struct Again<'a> {
    now: Option<&'a dyn Services>,
    seed: u64,
}

impl Services for Again<'_> {
    fn log(&self, _: LogLevel, _: &str) {}

    fn progress(&self, _: f32) {}

    fn is_cancelled(&self) -> bool {
        self.now.is_some_and(Services::is_cancelled)
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    };

    use parfocal_image::{Axis, DType, Extent};

    use super::*;
    use crate::RunServices;

    /// Adds up how often it ran, and does what it is told to.
    struct Counter {
        number: u32,
        seen: u64,
        lost: bool,
        world: Arc<World>,
    }

    #[derive(Default)]
    struct World {
        made: AtomicU32,
        calls: Mutex<Vec<String>>,
        in_order: bool,
        fickle: bool,
    }

    impl Counter {
        fn note(&self, call: &str) {
            self.world.calls.lock().unwrap().push(format!("{call} {}", self.number));
        }
    }

    impl Mortal for Counter {
        fn is_lost(&self) -> bool {
            self.lost
        }
    }

    impl Operator for Counter {
        fn plan(&mut self, inputs: &[InputSpec<'_>], services: &dyn Services) -> Result<Plan> {
            self.note(&format!("plan {}", services.seed()));
            let tiling = if self.world.in_order { Tiling::InOrder } else { Tiling::Split };
            let plan = Plan::like(inputs[0].spec).tiled(Axis::T, tiling);
            Ok(if self.world.fickle { plan.with_memory(self.number) } else { plan })
        }

        fn required_input(&self, core: &Region) -> Result<Vec<InputRegion>> {
            Ok(vec![InputRegion::new(0, *core)])
        }

        fn reset(&mut self, _: &dyn Services) -> Result<()> {
            self.note("reset");
            self.seen = 0;
            Ok(())
        }

        /// Counts; fails where the core begins at X 1, and is lost at X 2.
        fn run(&mut self, tiles: &mut Tiles<'_>, _: &dyn Services) -> Result<()> {
            self.seen += 1;
            self.note(&format!("run {}", self.seen));
            self.lost = tiles.core.origin[4] == 2;
            if tiles.core.origin[4] > 0 { Err(Error::internal("on purpose")) } else { Ok(()) }
        }

        fn conclude(&mut self, conclusion: &[u8], _: &dyn Services) -> Result<()> {
            self.note(&format!("conclude {conclusion:?}"));
            Ok(())
        }

        fn load(&mut self, state: &[u8], _: &dyn Services) -> Result<()> {
            self.note("load");
            self.seen = u64::from(state[0]);
            Ok(())
        }
    }

    struct Shop(Arc<World>);

    impl Maker for Shop {
        type Instance = Counter;

        fn label(&self) -> &str {
            "org.test 1.0.0, operator `counter`"
        }

        fn make(&self) -> Result<Counter> {
            let number = self.0.made.fetch_add(1, Ordering::Relaxed) + 1;
            Ok(Counter { number, seen: 0, lost: false, world: Arc::clone(&self.0) })
        }
    }

    fn planned(world: World) -> (Enduring<Shop>, Arc<World>) {
        let world = Arc::new(world);
        let mut operator = Enduring::new(Shop(Arc::clone(&world))).unwrap();
        let spec = ImageSpec::new(Extent::plane(4, 4), DType::U8);
        let services = RunServices::new(crate::CancelToken::default(), 7);
        operator.plan(&[InputSpec { port: 0, spec: &spec }], &services).unwrap();
        (operator, world)
    }

    fn run(operator: &mut Enduring<Shop>, x: i64) -> Result<()> {
        let core = Region::whole(Extent::plane(1, 1)).with(Axis::X, x, 1);
        operator.run(&mut Tiles { core, inputs: &[], outputs: &mut [] }, &RunServices::default())
    }

    fn calls(world: &World) -> Vec<String> {
        std::mem::take(&mut world.calls.lock().unwrap())
    }

    #[test]
    fn a_lost_instance_is_followed_by_one_that_was_told_the_same() {
        let (mut operator, world) = planned(World::default());
        operator.conclude(&[3], &RunServices::default()).unwrap();
        assert!(run(&mut operator, 2).is_err());
        run(&mut operator, 0).unwrap();
        let told = ["plan 7 1", "conclude [3] 1", "run 1 1", "plan 7 2", "conclude [3] 2", "run 1 2"];
        assert_eq!(calls(&world), told, "told as in the first run, seed included");
    }

    #[test]
    fn an_error_without_memory_costs_nothing() {
        let (mut operator, world) = planned(World::default());
        assert!(run(&mut operator, 1).is_err());
        run(&mut operator, 0).unwrap();
        assert_eq!(calls(&world), ["plan 7 1", "run 1 1", "run 2 1"]);
    }

    #[test]
    fn a_sequence_in_which_anything_failed_goes_on_only_from_its_beginning_or_a_state() {
        for fatal in [1, 2] {
            let (mut operator, world) = planned(World { in_order: true, ..World::default() });
            operator.reset(&RunServices::default()).unwrap();
            run(&mut operator, 0).unwrap();
            assert!(run(&mut operator, fatal).is_err());
            let error = run(&mut operator, 0).unwrap_err();
            assert_eq!(error.kind().name(), "bad-state");
            assert!(error.remedy().unwrap().contains("`reset`"));
            assert!(operator.required_input(&Region::default()).is_ok(), "geometry needs no memory");
            calls(&world);
            operator.reset(&RunServices::default()).unwrap();
            run(&mut operator, 0).unwrap();
            assert!(calls(&world).last().unwrap().starts_with("run 1 "), "it counts from the beginning");
            assert!(run(&mut operator, fatal).is_err());
            operator.load(&[9], &RunServices::default()).unwrap();
            run(&mut operator, 0).unwrap();
            assert!(calls(&world).last().unwrap().starts_with("run 10 "), "it counts from the state");
        }
    }

    #[test]
    fn what_was_loaded_is_not_forgotten_in_silence() {
        let (mut operator, _) = planned(World::default());
        operator.load(&[7], &RunServices::default()).unwrap();
        run(&mut operator, 0).unwrap();
        assert!(run(&mut operator, 2).is_err());
        assert_eq!(run(&mut operator, 0).unwrap_err().kind().name(), "bad-state");
    }

    #[test]
    fn a_successor_that_plans_otherwise_is_refused() {
        let (mut operator, _) = planned(World { fickle: true, ..World::default() });
        assert!(run(&mut operator, 2).is_err());
        let error = run(&mut operator, 0).unwrap_err();
        assert!(error.message().contains("plans otherwise"), "{error}");
    }
}
