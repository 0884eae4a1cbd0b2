package faultdisk

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// pageSize is the unit in which writes are kept or lost.
const pageSize = 4096

// object is a file or a directory.
type object struct {
	number uint64
	mode   uint32 // with the type

	// Of a file. Reads see data; stable is on the disk.
	data, stable []byte
	dirty        map[int]bool // pages that differ from the disk and are written by the next sync
	lost         map[int]bool // pages that differ from the disk because their sync failed: no later sync writes them
	allocated    int64        // room that was asked for, where it is more than the data
	handles      map[*handle]bool

	// Of a directory.
	entries, stableEntries map[string]*object
}

// handle is an open file.
type handle struct{ untold syscall.Errno } // of a failed sync that the next one tells

func (o *object) open() *handle {
	h := &handle{}
	o.handles[h] = true
	return h
}

func (o *object) directory() bool { return o.mode&syscall.S_IFMT == syscall.S_IFDIR }

// room is how much of the disk a file takes.
func (o *object) room() int64 {
	return (max(int64(len(o.data)), o.allocated) + pageSize - 1) / pageSize * pageSize
}

func (o *object) touch(from, to int64) {
	for page := int(from / pageSize); int64(page)*pageSize < to; page++ {
		o.dirty[page] = true
		delete(o.lost, page)
	}
}

func (o *object) write(data []byte, at int64) {
	end := at + int64(len(data))
	if old := int64(len(o.data)); end > old {
		o.resize(end)
	}
	copy(o.data[at:], data)
	o.touch(at, end)
}

func (o *object) resize(size int64) {
	old := int64(len(o.data))
	if size <= old {
		o.data, o.allocated = o.data[:size], size
		for _, set := range []map[int]bool{o.dirty, o.lost} {
			maps.DeleteFunc(set, func(page int, _ bool) bool { return int64(page)*pageSize >= size })
		}
		return
	}
	o.data = slices.Grow(o.data, int(size-old))[:size]
	clear(o.data[old:])
	o.touch(old, size)
}

// sync puts everything on the disk, or loses it where failed.
func (o *object) sync(failed bool) {
	switch {
	case o.directory() && !failed:
		o.stableEntries = maps.Clone(o.entries)
	case o.directory():
	case failed:
		maps.Copy(o.lost, o.dirty)
		clear(o.dirty)
	default:
		o.stable = fit(o.stable, len(o.data))
		for page := range o.dirty {
			copyPage(o.stable, o.data, page)
		}
		clear(o.dirty)
	}
}

func fit(data []byte, size int) []byte {
	if old := len(data); size > old {
		data = slices.Grow(data, size-old)[:size]
		clear(data[old:])
		return data
	}
	return data[:size]
}

func copyPage(to, from []byte, page int) {
	if at := page * pageSize; at < len(to) && at < len(from) {
		copy(to[at:min(at+pageSize, len(to))], from[at:])
	}
}

// losePower leaves what is on the disk. With keep, each unsynced page and entry is kept by the toss of a coin: a disk may
// write what it has, in any order, before anybody asks for it.
func (o *object) losePower(keep *rand.Rand) {
	heads := func() bool { return keep != nil && keep.IntN(2) == 0 }
	if o.directory() {
		names := maps.Clone(o.stableEntries)
		for _, name := range slices.Sorted(maps.Keys(o.entries)) {
			if names[name] != o.entries[name] && heads() {
				names[name] = o.entries[name]
			}
		}
		for _, name := range slices.Sorted(maps.Keys(o.stableEntries)) {
			if o.entries[name] == nil && heads() {
				delete(names, name)
			}
		}
		o.entries, o.stableEntries = names, maps.Clone(names)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			names[name].losePower(keep)
		}
		return
	}
	after := slices.Clone(o.stable)
	if heads() {
		after = fit(after, len(o.data))
	}
	changed := maps.Clone(o.dirty)
	maps.Copy(changed, o.lost)
	for _, page := range slices.Sorted(maps.Keys(changed)) {
		if heads() {
			after = fit(after, max(len(after), min(len(o.data), (page+1)*pageSize)))
			copyPage(after, o.data, page)
		}
	}
	o.data, o.stable, o.allocated = after, slices.Clone(after), int64(len(after))
	clear(o.dirty)
	clear(o.lost)
}

// copyTo writes what reads see into a real directory.
func (o *object) copyTo(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, child := range o.entries {
		var err error
		if path := filepath.Join(dir, name); child.directory() {
			err = child.copyTo(path)
		} else {
			err = os.WriteFile(path, child.data, fs.FileMode(child.mode&0o777))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// size adds up the room of everything below.
func (o *object) size() int64 {
	if !o.directory() {
		return o.room()
	}
	sum := int64(0)
	for _, child := range o.entries {
		sum += child.size()
	}
	return sum
}
