//! Components written as text: a module with every function of the contract, whose bodies a test replaces.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The bodies of a component.
pub(crate) struct Text {
    /// Pages of memory at the start.
    pub(crate) pages: u32,
    /// More functions, tables or memories, or a start function.
    pub(crate) more: &'static str,
    /// Before the host gets memory that it asked for.
    pub(crate) realloc: &'static str,
    /// Before `describe` answers.
    pub(crate) describe: &'static str,
    /// Before `create` answers.
    pub(crate) create: &'static str,
    /// Before `plan` answers.
    pub(crate) plan: &'static str,
    /// Before `run` answers.
    pub(crate) run: &'static str,
    /// Before `merge` answers.
    pub(crate) merge: &'static str,
    /// Before `finish` answers.
    pub(crate) finish: &'static str,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            pages: 2,
            more: "",
            realloc: "",
            describe: "",
            create: "",
            plan: "",
            run: "",
            merge: "",
            finish: "",
        }
    }
}

impl Text {
    /// The component. It has one operator, `text`, with one image output; every function answers with zeros, which is
    /// "ok, with nothing" everywhere.
    pub(crate) fn component(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let mut files = wit_parser::SourceMap::default();
        for (name, text) in parfocal_wit::OPERATOR_1_DRAFT {
            files.push_str(name, text);
        }
        let group = files.parse().map_err(|(_, error)| error).unwrap();
        let package = resolve.push_group(group).unwrap();
        let world = resolve.select_world(&[package], Some(parfocal_wit::WORLD)).unwrap();
        let mut module = wat::parse_str(self.module()).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
    }

    fn module(&self) -> String {
        let version = parfocal_wit::package_version(parfocal_operator::VERSION);
        let package = format!("{}/", parfocal_wit::PACKAGE);
        let name = |interface: &str, rest: &str| format!("\"{package}{interface}@{version}{rest}\"");
        let method = |method: &str| name("operator", &format!("#[method]instance.{method}"));
        let region = "i64 i64 i64 i64 i64 i64 i64 i64 i64 i64";
        let Self { pages, more, realloc, describe, create, plan, run, merge, finish } = self;
        format!(
            r#"(module
  (import {services} "log" (func $log (param i32 i32 i32)))
  (import {services} "progress" (func $progress (param f32)))
  (import {services} "is-cancelled" (func $is-cancelled (result i32)))
  (import {services} "seed" (func $seed (result i64)))
  (import {sink} "put-pixels" (func $put-pixels (param i32 i32 i32 i32)))
  (import {sink} "declare-columns" (func $declare-columns (param i32 i32 i32 i32)))
  (import {sink} "add-rows" (func $add-rows (param i32 i32 i32 i32)))
  (import "[export]{package}operator@{version}" "[resource-new]instance" (func $new (param i32) (result i32)))
  (memory (export "memory") {pages})
  (global $top (mut i32) (i32.const 65536))
  ;; The descriptor at 64: id and summary "text", kind map, threads instance, one output named "text" at 160:
  ;; an image of derived pixels.
  (data (i32.const 16) "text")
  (data (i32.const 64) "\10\00\00\00\04\00\00\00\10\00\00\00\04\00\00\00\00\01")
  (data (i32.const 120) "\a0\00\00\00\01\00\00\00")
  (data (i32.const 160) "\10\00\00\00\04\00\00\00\00\02\00\00")
  (data (i32.const 200) "\40\00\00\00\01\00\00\00")
  (data (i32.const 300) "last words")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    {realloc}
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
    (global.set $top (i32.add (local.get $at) (local.get 3)))
    (block $fits (loop $grow
      (br_if $fits (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
      (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))
      unreachable))
    (local.get $at))
  {more}
  (func (export {describe_name}) (result i32) {describe} (i32.const 200))
  (func (export {create_name}) (param i32 i32 i32 i32) (result i32)
    {create}
    (i32.store (i32.const 404) (call $new (i32.const 1)))
    (i32.const 400))
  (func (export {plan_name}) (param i32 i32 i32) (result i32) {plan} (i32.const 512))
  (func (export {required_name}) (param i32 {region}) (result i32) (i32.const 512))
  (func (export {reset_name}) (param i32) (result i32) (i32.const 512))
  (func $run (export {run_name}) (param i32 {region} i32 i32 i32 i32) (result i32) {run} (i32.const 512))
  (func (export {accumulate_name}) (param i32 {region} i32 i32) (result i32) (i32.const 512))
  (func (export {merge_name}) (param i32 i32 i32 i32 i32) (result i32) {merge} (i32.const 512))
  (func (export {finish_name}) (param i32 i32 i32) (result i32) {finish} (i32.const 512))
  (func (export {conclude_name}) (param i32 i32 i32) (result i32) (i32.const 512))
  (func (export {save_name}) (param i32) (result i32) (i32.const 512))
  (func (export {load_name}) (param i32 i32 i32) (result i32) (i32.const 512))
)"#,
            services = name("services", ""),
            sink = name("sink", ""),
            describe_name = name("operator", "#describe"),
            create_name = name("operator", "#[static]instance.create"),
            plan_name = method("plan"),
            required_name = method("required-input"),
            reset_name = method("reset"),
            run_name = method("run"),
            accumulate_name = method("accumulate"),
            merge_name = method("merge"),
            finish_name = method("finish"),
            conclude_name = method("conclude"),
            save_name = method("save"),
            load_name = method("load"),
        )
    }
}
