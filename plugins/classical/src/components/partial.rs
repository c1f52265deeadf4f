//! What is known of the components of some tiles, as bytes that travel and are joined.
//!
//! The bytes have two parts. The **closed** part only grows: for each tile its components (size, first pixel), and links
//! between components that touch across a seam. The **open** part holds, for each tile that still has a neighbour to come,
//! the foreground runs along those sides; it is read and written anew when results are joined. So joining tile after tile
//! costs as much as the front between seen and unseen tiles is long, not as much as all that was seen.

use std::collections::BTreeMap;

use parfocal_plugin::{
    bytes::{Reader, Writer},
    prelude::*,
};

use super::{Neighbourhood, local::Local, union::Union};

/// A box along Z Y X: first pixel, and first pixel behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Volume {
    start: [i64; 3],
    end: [i64; 3],
}

impl Volume {
    fn overlap(&self, other: &Self) -> u64 {
        (0..3).fold(1, |pixels, axis| {
            let (start, end) = (self.start[axis].max(other.start[axis]), self.end[axis].min(other.end[axis]));
            pixels * end.saturating_sub(start).max(0).unsigned_abs()
        })
    }
}

/// Foreground pixels side by side, in places of the image, along one side of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct EdgeRun {
    z: i64,
    y: i64,
    start: i64,
    end: i64,
    component: u64,
}

/// One side of a tile: a face, an edge or a corner.
#[derive(Debug, Clone)]
struct Side {
    /// The pixels outside that touch it.
    outside: Volume,
    /// How many of them belong to tiles that have not been seen.
    unseen: u64,
    runs: Vec<EdgeRun>,
}

/// A tile with sides whose neighbours have not been seen.
#[derive(Debug, Clone)]
struct OpenTile {
    region: Volume,
    sides: Vec<Side>,
}

/// The components of a tile: number of pixels, and the first pixel's place in the raster order of the image.
#[derive(Debug, Clone)]
struct TileRecord {
    origin: [i64; 3],
    components: Vec<(u64, u64)>,
}

/// What is known of the components of some tiles.
#[derive(Debug, Default)]
pub(super) struct Partial {
    tiles: Vec<TileRecord>,
    links: Vec<(u64, u64)>,
    open: Vec<OpenTile>,
    /// How many components the tiles have together.
    total: u64,
}

/// Origin of a tile along Z Y X.
pub(super) fn origin(core: &Region) -> [i64; 3] {
    [core.origin[2], core.origin[3], core.origin[4]]
}

const TILE: u64 = 1;
const LINKS: u64 = 2;
/// A component, a link or a run takes as long here as so many pixels in a filter.
const OBJECT: usize = 64;
/// Length of the closed part, and number of components, behind the open part.
const FOOTER: usize = 16;

impl Partial {
    /// What is known after one tile.
    pub(super) fn of(local: &Local, core: &Region, full: &Extent, neighbours: Neighbourhood) -> Result<Self> {
        let origin = origin(core);
        let size = |axis: usize| i64::try_from(core.extent.0[axis + 2]).unwrap_or(i64::MAX);
        let region = Volume {
            start: origin,
            end: core::array::from_fn(|axis| origin[axis].saturating_add(size(axis))),
        };
        let image = Volume { start: [0; 3], end: core::array::from_fn(|axis| full.0[axis + 2] as i64) };
        let index = |first: [u32; 3]| {
            (0..3).try_fold(0_u64, |sum, axis| {
                let place = origin[axis].checked_add_unsigned(first[axis].into())?;
                sum.checked_mul(full.0[axis + 2])?.checked_add(u64::try_from(place).ok()?)
            })
        };
        let components: Option<Vec<_>> = local
            .components()
            .iter()
            .map(|component| Some((component.size, index(component.first)?)))
            .collect();
        let components = components.ok_or_else(|| Error::not_supported("images of more than 2^64 pixels"))?;
        let total = components.len() as u64;
        let sides: Vec<Side> =
            directions(neighbours).filter_map(|direction| side(local, &region, &image, direction)).collect();
        Ok(Self {
            tiles: vec![TileRecord { origin, components }],
            links: Vec::new(),
            open: if sides.is_empty() { Vec::new() } else { vec![OpenTile { region, sides }] },
            total,
        })
    }

    pub(super) fn into_bytes(self) -> Result<Vec<u8>> {
        let mut writer = Writer::default();
        self.write_closed(&mut writer, 0);
        Ok(finish(writer, &self.open, self.total))
    }

    /// Appends the closed part, with its components numbered from `base` on.
    fn write_closed(&self, writer: &mut Writer, base: u64) {
        for tile in &self.tiles {
            writer.count(TILE);
            let [z, y, x] = tile.origin;
            writer.signed(z).signed(y).signed(x);
            writer.count(tile.components.len() as u64);
            // First pixels ascend within a tile.
            let mut last = 0;
            for &(size, first) in &tile.components {
                writer.count(size).count(first - last);
                last = first;
            }
        }
        write_links(writer, &self.links, base);
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let (closed, open, total) = parts(bytes)?;
        let mut partial = Self { open: read_open(open)?, total, ..Self::default() };
        let mut reader = Reader::new(closed);
        while !reader.rest().is_empty() {
            match reader.count()? {
                TILE => partial.tiles.push(read_tile(&mut reader)?),
                LINKS => {
                    for _ in 0..reader.items(2)? {
                        partial.links.push((reader.count()?, reader.count()?));
                    }
                }
                _ => return Err(Error::corrupt("a partial result of connected components")),
            }
        }
        Ok(partial)
    }
}

/// Joins two results.
pub(super) fn merge(
    mut left: Vec<u8>,
    right: &[u8],
    neighbours: Neighbourhood,
    cx: &Context<'_>,
) -> Result<Vec<u8>> {
    let (closed, open, total) = parts(&left)?;
    let (closed, mut open) = (closed.len(), read_open(open)?);
    let mut right = Partial::read(right)?;
    for run in right.open.iter_mut().flat_map(|tile| &mut tile.sides).flat_map(|side| &mut side.runs) {
        run.component += total;
    }
    let links = touching(&open, &right.open, neighbours, cx)?;
    left.truncate(closed);
    let mut writer = Writer::after(left);
    right.write_closed(&mut writer, total);
    write_links(&mut writer, &links, 0);
    let (ours, theirs) = (regions(&open), regions(&right.open));
    see(&mut open, &theirs);
    see(&mut right.open, &ours);
    open.append(&mut right.open);
    Ok(finish(writer, &open, total.saturating_add(right.total)))
}

/// Numbers the components that have at least `min_size` pixels: how many there are, and the numbers of each tile's.
pub(super) fn number(total: &[u8], min_size: u64, cx: &Context<'_>) -> Result<(u32, Vec<u8>)> {
    let Partial { tiles, links, total, .. } = Partial::read(total)?;
    if total >= u64::from(u32::MAX) {
        return Err(Error::not_supported("more than 4294967294 components in the tiles of one image")
            .with_remedy("smooth the image or raise the threshold before components are found"));
    }
    let mut sets = Union::of(total as usize);
    for (one, other) in links {
        cx.worked(OBJECT)?;
        if one >= total || other >= total {
            return Err(Error::corrupt("a link between components"));
        }
        sets.unite(one as u32, other as u32);
    }
    let mut whole: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for (member, (size, first)) in (0..).zip(tiles.iter().flat_map(|tile| &tile.components)) {
        cx.worked(OBJECT)?;
        let (all, earliest) = whole.entry(sets.find(member)).or_insert((0, u64::MAX));
        *all += size;
        *earliest = (*first).min(*earliest);
    }
    let mut kept: Vec<(u64, u32)> = whole
        .into_iter()
        .filter(|(_, (size, _))| *size >= min_size)
        .map(|(set, (_, first))| (first, set))
        .collect();
    kept.sort_unstable();
    let mut numbers = vec![0_u64; total as usize];
    for (number, (_, set)) in (1..).zip(&kept) {
        numbers[*set as usize] = number;
    }
    let mut writer = Writer::default();
    let mut member = 0;
    for tile in &tiles {
        let [z, y, x] = tile.origin;
        writer.signed(z).signed(y).signed(x);
        writer.count(tile.components.len() as u64);
        for _ in &tile.components {
            cx.worked(OBJECT)?;
            let set = sets.find(member) as usize;
            writer.count(numbers.get(set).copied().unwrap_or(0));
            member += 1;
        }
    }
    Ok((kept.len() as u32, writer.into_bytes()))
}

/// The numbers of each tile's components, by the tile's origin.
pub(super) fn read_numbers(conclusion: &[u8]) -> Result<BTreeMap<[i64; 3], Vec<u32>>> {
    let mut reader = Reader::new(conclusion);
    let mut numbers = BTreeMap::new();
    while !reader.rest().is_empty() {
        let origin = [reader.signed()?, reader.signed()?, reader.signed()?];
        let count = reader.items(1)?;
        let number =
            |_| u32::try_from(reader.count()?).map_err(|_| Error::corrupt("the number of a component"));
        numbers.insert(origin, (0..count).map(number).collect::<Result<_>>()?);
    }
    Ok(numbers)
}

/// The sides of a box that neighbours touch, as steps along Z Y X.
fn directions(neighbours: Neighbourhood) -> impl Iterator<Item = [i64; 3]> {
    neighbours
        .rows()
        .flat_map(|(dz, dy, reach)| (-reach..=reach).map(move |dx| [dz, dy, dx]))
        .filter(|d| *d != [0; 3])
}

/// A side of a tile, unless nothing lies beyond it.
fn side(local: &Local, region: &Volume, image: &Volume, direction: [i64; 3]) -> Option<Side> {
    let (mut inside, mut outside) = (*region, *region);
    for (axis, step) in direction.into_iter().enumerate() {
        match step {
            -1 => {
                inside.end[axis] = region.start[axis] + 1;
                (outside.start[axis], outside.end[axis]) = (region.start[axis] - 1, region.start[axis]);
            }
            1 => {
                inside.start[axis] = region.end[axis] - 1;
                (outside.start[axis], outside.end[axis]) = (region.end[axis], region.end[axis] + 1);
            }
            _ => {}
        }
    }
    let unseen = outside.overlap(image);
    (unseen > 0).then(|| Side { outside, unseen, runs: edge_runs(local, region, &inside) })
}

/// The runs of a tile inside a box.
fn edge_runs(local: &Local, region: &Volume, inside: &Volume) -> Vec<EdgeRun> {
    let [_, rows] = local.rows();
    let mut runs = Vec::new();
    for z in inside.start[0]..inside.end[0] {
        for y in inside.start[1]..inside.end[1] {
            let row = (z - region.start[0]) as usize * rows + (y - region.start[1]) as usize;
            for run in local.row(row) {
                let start = (region.start[2] + i64::from(run.start)).max(inside.start[2]);
                let end = (region.start[2] + i64::from(run.end)).min(inside.end[2]);
                if start < end {
                    runs.push(EdgeRun { z, y, start, end, component: run.component.into() });
                }
            }
        }
    }
    runs
}

fn regions(open: &[OpenTile]) -> Vec<Volume> {
    open.iter().map(|tile| tile.region).collect()
}

/// Notes that tiles have been seen, and forgets what is closed by them.
fn see(open: &mut Vec<OpenTile>, regions: &[Volume]) {
    for tile in open.iter_mut() {
        tile.sides.retain_mut(|side| {
            let seen: u64 = regions.iter().map(|region| side.outside.overlap(region)).sum();
            side.unseen = side.unseen.saturating_sub(seen);
            side.unseen > 0
        });
    }
    open.retain(|tile| !tile.sides.is_empty());
}

/// Pairs of components that touch between two sets of tiles.
fn touching(
    left: &[OpenTile],
    right: &[OpenTile],
    neighbours: Neighbourhood,
    cx: &Context<'_>,
) -> Result<Vec<(u64, u64)>> {
    let (ours, theirs) = (facing(left, &regions(right)), facing(right, &regions(left)));
    let mut rows: BTreeMap<(i64, i64), Vec<EdgeRun>> = BTreeMap::new();
    for run in theirs {
        rows.entry((run.z, run.y)).or_default().push(run);
    }
    let mut links = Vec::new();
    for run in ours {
        cx.worked(OBJECT)?;
        for (dz, dy, reach) in neighbours.rows() {
            let Some(row) = rows.get(&(run.z + dz, run.y + dy)) else { continue };
            let first = row.partition_point(|other| other.end + reach <= run.start);
            let touched = row[first..].iter().take_while(|other| run.end + reach > other.start);
            links.extend(touched.map(|other| (run.component, other.component)));
        }
    }
    links.sort_unstable();
    links.dedup();
    Ok(links)
}

/// The runs along sides that touch one of the regions: sorted, and disjoint within each row.
fn facing(open: &[OpenTile], regions: &[Volume]) -> Vec<EdgeRun> {
    let sides = open.iter().flat_map(|tile| &tile.sides);
    let faces = sides.filter(|side| regions.iter().any(|region| side.outside.overlap(region) > 0));
    let mut runs: Vec<EdgeRun> = faces.flat_map(|side| side.runs.iter().copied()).collect();
    // A corner's pixel is also in the runs of faces: of runs that start together the longest comes first.
    runs.sort_unstable_by_key(|run| (run.z, run.y, run.start, -run.end));
    let inside = |run: &EdgeRun, last: &EdgeRun| (run.z, run.y) == (last.z, last.y) && run.end <= last.end;
    runs.dedup_by(|run, last| inside(run, last));
    runs
}

fn write_links(writer: &mut Writer, links: &[(u64, u64)], base: u64) {
    if links.is_empty() {
        return;
    }
    writer.count(LINKS).count(links.len() as u64);
    for &(one, other) in links {
        writer.count(base + one).count(base + other);
    }
}

fn read_tile(reader: &mut Reader<'_>) -> Result<TileRecord> {
    let origin = [reader.signed()?, reader.signed()?, reader.signed()?];
    let mut components = Vec::new();
    let mut last = 0_u64;
    for _ in 0..reader.items(2)? {
        let size = reader.count()?;
        last = last.saturating_add(reader.count()?);
        components.push((size, last));
    }
    Ok(TileRecord { origin, components })
}

/// Appends open part and footer.
fn finish(mut writer: Writer, open: &[OpenTile], total: u64) -> Vec<u8> {
    let closed = writer.bytes().len() as u64;
    writer.count(open.len() as u64);
    for tile in open {
        write_volume(&mut writer, &tile.region);
        writer.count(tile.sides.len() as u64);
        for side in &tile.sides {
            write_volume(&mut writer, &side.outside);
            writer.count(side.unseen).count(side.runs.len() as u64);
            for EdgeRun { z, y, start, end, component } in &side.runs {
                // Distances from the tile are small.
                writer.count((z - tile.region.start[0]) as u64).count((y - tile.region.start[1]) as u64);
                writer
                    .count((start - tile.region.start[2]) as u64)
                    .count((end - start) as u64)
                    .count(*component);
            }
        }
    }
    writer.word(closed).word(total);
    writer.into_bytes()
}

/// The closed part, the open part, and the number of components.
fn parts(bytes: &[u8]) -> Result<(&[u8], &[u8], u64)> {
    let wrong = || Error::corrupt("a partial result of connected components");
    let split = bytes.len().checked_sub(FOOTER).ok_or_else(wrong)?;
    let (body, footer) = bytes.split_at(split);
    let mut footer = Reader::new(footer);
    let closed = usize::try_from(footer.word()?).map_err(|_| wrong())?;
    let (closed, open) = body.split_at_checked(closed).ok_or_else(wrong)?;
    Ok((closed, open, footer.word()?))
}

fn read_open(bytes: &[u8]) -> Result<Vec<OpenTile>> {
    let mut reader = Reader::new(bytes);
    let tiles = reader.items(7)?;
    let tiles = (0..tiles).map(|_| read_open_tile(&mut reader)).collect::<Result<_>>()?;
    reader.end()?;
    Ok(tiles)
}

fn read_open_tile(reader: &mut Reader<'_>) -> Result<OpenTile> {
    let region = read_volume(reader)?;
    let mut sides = Vec::new();
    for _ in 0..reader.items(8)? {
        let mut side = Side { outside: read_volume(reader)?, unseen: reader.count()?, runs: Vec::new() };
        for _ in 0..reader.items(5)? {
            let mut place = |axis: usize| Ok(region.start[axis].saturating_add_unsigned(reader.count()?));
            let (z, y, start): (i64, i64, i64) = (place(0)?, place(1)?, place(2)?);
            let end = start.saturating_add_unsigned(reader.count()?);
            side.runs.push(EdgeRun { z, y, start, end, component: reader.count()? });
        }
        sides.push(side);
    }
    Ok(OpenTile { region, sides })
}

fn write_volume(writer: &mut Writer, volume: &Volume) {
    for axis in 0..3 {
        writer.signed(volume.start[axis]).count((volume.end[axis] - volume.start[axis]) as u64);
    }
}

fn read_volume(reader: &mut Reader<'_>) -> Result<Volume> {
    let mut volume = Volume { start: [0; 3], end: [0; 3] };
    for axis in 0..3 {
        volume.start[axis] = reader.signed()?;
        volume.end[axis] = volume.start[axis].saturating_add_unsigned(reader.count()?);
    }
    Ok(volume)
}
