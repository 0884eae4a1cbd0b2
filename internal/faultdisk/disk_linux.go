package faultdisk

import (
	"context"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Disk is a mounted file system. Its methods may be called while it is in use, except Cut.
type Disk struct {
	path   string // where it is mounted
	server *fuse.Server

	mu         sync.Mutex
	root       *object
	last       uint64 // number of an object
	limit      int64  // bytes; 0: none
	operations int    // that change something, so far
	fault      Fault
	failures   int // since Fail
	badSyncs   int // of files, since Fail
}

// Fault says which operation fails, and how. Operations that change something are counted: writes, syncs, allocations,
// truncations, and changes of a directory.
type Fault struct {
	At     int           // the operation of this number, counted from 1 since Fail; 0: none
	Sticky bool          // and all after it that Only names
	Only   Kind          // fail only operations of this kind; the others are counted all the same
	Errno  syscall.Errno // 0: half of the data is written, and that is said. Other operations than writes succeed
}

// Kind is a kind of operation.
type Kind int

// The kinds of operation.
const (
	Any Kind = iota
	Write
	Sync
	Other
)

// Missing returns why there can be no Disk here, or nothing.
func Missing() string {
	if os.Geteuid() != 0 {
		return "mounting needs root"
	}
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return "FUSE: " + err.Error()
	}
	device.Close()
	return ""
}

// New mounts an empty disk for the time of a test. It is unmounted also when the test panics or is killed.
func New(t testing.TB) *Disk {
	t.Helper()
	d := &Disk{path: filepath.Join(t.TempDir(), "disk")}
	d.root = d.object(syscall.S_IFDIR | 0o700)
	if err := os.Mkdir(d.path, 0o700); err != nil {
		t.Fatal(err)
	}
	// The end of this pipe is the end of this process, however that comes.
	undertaker := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", `cat >/dev/null; umount -l "$1" 2>/dev/null; rmdir "$1" 2>/dev/null; :`, "sh", d.path)
	undertaker.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := undertaker.StdinPipe()
	if err == nil {
		err = undertaker.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.unmount()
		alive.Close()
		_ = undertaker.Wait()
	})
	if err := d.mount(); err != nil {
		t.Fatalf("mount: %v", err)
	}
	return d
}

func (d *Disk) mount() error {
	server, err := fs.Mount(d.path, &inode{disk: d, object: d.root}, &fs.Options{
		MountOptions: fuse.MountOptions{
			DirectMountStrict: true, Name: "faultdisk", FsName: "faultdisk", DisableXAttrs: true, MaxWrite: 1 << 20,
			Logger: log.New(io.Discard, "", 0),
		},
	})
	if err != nil {
		return err
	}
	d.server = server
	// The library leaves the device to programs that this process starts; they would keep the file system alive.
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range descriptors {
		if to, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && to == "/dev/fuse" {
			if fd, err := strconv.Atoi(entry.Name()); err == nil {
				syscall.CloseOnExec(fd)
			}
		}
	}
	return nil
}

// unmount takes the disk away, whoever uses it.
func (d *Disk) unmount() {
	if d.server == nil {
		return
	}
	_ = syscall.Unmount(d.path, syscall.MNT_DETACH)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.server.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second): // a process still has a file open; it keeps what it sees to itself
	}
	d.server = nil
}

// Path is where the disk is mounted.
func (d *Disk) Path() string { return d.path }

// Cut cuts the power: what is not synced is gone; with keep, each page of it is kept or lost by the toss of a coin. The
// processes that use the disk must have been killed. It is mounted again, without a fault.
func (d *Disk) Cut(keep *rand.Rand) error {
	d.unmount()
	d.mu.Lock()
	d.root.losePower(keep)
	d.fault = Fault{}
	d.mu.Unlock()
	return d.mount()
}

// Erase is a new disk in place of the old one.
func (d *Disk) Erase() error {
	d.unmount()
	d.mu.Lock()
	d.root = d.object(syscall.S_IFDIR | 0o700)
	d.fault, d.limit = Fault{}, 0
	d.mu.Unlock()
	return d.mount()
}

// Fail makes operations fail from now on, and counts from 0 again.
func (d *Disk) Fail(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.operations, d.failures, d.badSyncs = f, 0, 0, 0
}

// Operations is how many operations that change something there were since Fail, and how many of them failed.
func (d *Disk) Operations() (all, failed int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.operations, d.failures
}

// FailedSyncs is how many syncs of files failed since Fail.
func (d *Disk) FailedSyncs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.badSyncs
}

// Heal lets no further operation fail; the counts stay.
func (d *Disk) Heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = Fault{}
}

// Limit makes the disk full at so many bytes; 0 is no limit.
func (d *Disk) Limit(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = bytes
}

// Size is how many bytes are taken.
func (d *Disk) Size() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.root.size()
}

// CopyTo copies what reads would see into a directory of a real disk.
func (d *Disk) CopyTo(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.root.copyTo(dir)
}

func (d *Disk) object(mode uint32) *object {
	d.last++
	o := &object{number: d.last, mode: mode, dirty: map[int]bool{}, lost: map[int]bool{}, handles: map[*handle]bool{}}
	if o.directory() {
		o.entries, o.stableEntries = map[string]*object{}, map[string]*object{}
	}
	return o
}

// operation counts one and says whether it fails. It is called under the lock.
func (d *Disk) operation(kind Kind) (fails bool) {
	d.operations++
	f := d.fault
	fails = f.At > 0 && (d.operations == f.At || f.Sticky && d.operations > f.At) && (f.Only == Any || f.Only == kind)
	if fails {
		d.failures++
	}
	return fails
}

// free is how many bytes more a file may take, beyond what it has. It is called under the lock.
func (d *Disk) free() int64 {
	if d.limit == 0 {
		return 1 << 40
	}
	return max(0, d.limit-d.root.size())
}

// inode shows an object to the kernel.
type inode struct {
	fs.Inode
	disk   *Disk
	object *object
}

func (n *inode) child(ctx context.Context, o *object, out *fuse.EntryOut) *fs.Inode {
	attributes(o, &out.Attr)
	return n.NewInode(ctx, &inode{disk: n.disk, object: o}, fs.StableAttr{Mode: o.mode & syscall.S_IFMT, Ino: o.number})
}

func attributes(o *object, out *fuse.Attr) {
	out.Mode, out.Nlink, out.Ino, out.Blksize = o.mode, 1, o.number, pageSize
	out.Size, out.Blocks = uint64(len(o.data)), uint64(o.room()/512)
}

// Lookup finds an entry.
func (n *inode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	o := n.object.entries[name]
	if o == nil {
		return nil, syscall.ENOENT
	}
	return n.child(ctx, o, out), 0
}

// Readdir lists the entries.
func (n *inode) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	var list []fuse.DirEntry
	for _, name := range slices.Sorted(maps.Keys(n.object.entries)) {
		o := n.object.entries[name]
		list = append(list, fuse.DirEntry{Name: name, Mode: o.mode, Ino: o.number})
	}
	return fs.NewListDirStream(list), 0
}

func (n *inode) add(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.operation(Other) && n.disk.fault.Errno != 0 {
		return nil, n.disk.fault.Errno
	}
	o := n.disk.object(mode)
	n.object.entries[name] = o
	return n.child(ctx, o, out), 0
}

// Mkdir makes a directory.
func (n *inode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return n.add(ctx, name, syscall.S_IFDIR|mode&0o7777, out)
}

// Create makes a file.
func (n *inode) Create(ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	made, errno := n.add(ctx, name, syscall.S_IFREG|mode&0o7777, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	return made, n.object.entries[name].open(), 0, 0
}

// Unlink removes a file.
func (n *inode) Unlink(_ context.Context, name string) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.operation(Other) && n.disk.fault.Errno != 0 {
		return n.disk.fault.Errno
	}
	delete(n.object.entries, name)
	return 0
}

// Rmdir removes a directory.
func (n *inode) Rmdir(ctx context.Context, name string) syscall.Errno { return n.Unlink(ctx, name) }

// Rename moves an entry.
func (n *inode) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, _ uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.operation(Other) && n.disk.fault.Errno != 0 {
		return n.disk.fault.Errno
	}
	target, ok := to.(*inode)
	if !ok {
		return syscall.EXDEV
	}
	target.object.entries[newName] = n.object.entries[name]
	delete(n.object.entries, name)
	return 0
}

// Getattr tells mode and size.
func (n *inode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	attributes(n.object, &out.Attr)
	return 0
}

// Setattr changes mode or size; all else is ignored.
func (n *inode) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if mode, ok := in.GetMode(); ok {
		n.object.mode = n.object.mode&syscall.S_IFMT | mode&0o7777
	}
	if size, ok := in.GetSize(); ok {
		if n.disk.operation(Other) && n.disk.fault.Errno != 0 {
			return n.disk.fault.Errno
		}
		if int64(size)-n.object.room() > n.disk.free() {
			return syscall.ENOSPC
		}
		n.object.resize(int64(size))
	}
	attributes(n.object, &out.Attr)
	return 0
}

// Open opens a file.
func (n *inode) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if flags&syscall.O_TRUNC != 0 {
		n.object.resize(0)
	}
	return n.object.open(), 0, 0
}

// Release closes an open file.
func (n *inode) Release(_ context.Context, file fs.FileHandle) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if h, ok := file.(*handle); ok {
		delete(n.object.handles, h)
	}
	return 0
}

// Read reads.
func (n *inode) Read(_ context.Context, _ fs.FileHandle, into []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if at >= int64(len(n.object.data)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(into[:copy(into, n.object.data[at:])]), 0
}

// Write writes, all or a part or nothing.
func (n *inode) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.operation(Write) {
		if n.disk.fault.Errno != 0 {
			return 0, n.disk.fault.Errno
		}
		data = data[:len(data)/2]
	}
	if most := n.object.room() + n.disk.free(); at+int64(len(data)) > most {
		if most <= at {
			return 0, syscall.ENOSPC
		}
		data = data[:most-at]
	}
	n.object.write(data, at)
	return uint32(len(data)), 0
}

// Allocate takes room.
func (n *inode) Allocate(_ context.Context, _ fs.FileHandle, at, size uint64, mode uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	if n.disk.operation(Other) && n.disk.fault.Errno != 0 {
		return n.disk.fault.Errno
	}
	end := int64(at + size)
	if mode != 0 {
		return syscall.EOPNOTSUPP
	}
	if end-n.object.room() > n.disk.free() {
		return syscall.ENOSPC
	}
	n.object.allocated = max(n.object.allocated, end)
	if end > int64(len(n.object.data)) {
		n.object.resize(end)
	}
	return 0
}

// Fsync syncs a file or a directory. Every open file hears of a failed sync, as on Linux since 4.13, whoever's it was.
func (n *inode) Fsync(_ context.Context, file fs.FileHandle, _ uint32) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	fails := n.disk.operation(Sync) && n.disk.fault.Errno != 0
	n.object.sync(fails)
	if fails {
		if !n.object.directory() {
			n.disk.badSyncs++
		}
		for h := range n.object.handles {
			h.untold = n.disk.fault.Errno
		}
	}
	h, ok := file.(*handle)
	if !ok {
		if fails {
			return n.disk.fault.Errno
		}
		return 0
	}
	told := h.untold
	h.untold = 0
	return told
}

// Statfs tells how much room there is.
func (n *inode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	out.Bsize, out.Frsize, out.NameLen = pageSize, pageSize, 255
	free := uint64(n.disk.free() / pageSize)
	out.Blocks, out.Bfree, out.Bavail = free+uint64(n.disk.root.size()/pageSize), free, free
	return 0
}
