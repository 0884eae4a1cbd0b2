// Package faultdisk is a file system for tests that forgets, as a disk does that loses power: what was written and not synced
// is gone, all of it or a part. It also fails writes and syncs on demand, and can be full. Linux mounts it through FUSE, for
// root.
//
// All is kept in memory, in a model of its own: tree.go is the model and what a loss of power does to it, disk_linux.go shows
// it to the kernel. The process that serves the disk must not map files of it into its memory: it would wait for itself. So a
// store on it is opened by other processes only, and looked at in a copy (see Disk.CopyTo).
package faultdisk
