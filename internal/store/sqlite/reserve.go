package sqlite

import (
	"errors"
	"os"
	"time"

	"github.com/seatwright/seatwright/internal/planted"
)

// reserve is a file that holds room on the disk. When the disk is full it is given up, so that seats can still be taken
// back. It is used under the lock of Store.Update.
type reserve struct {
	path string
	size int64            // 0: there never was room for one
	lost bool             // given up, and not held again yet
	rest <-chan time.Time // no other try to hold it before this
}

// reserveSize is more than a full log of changes, so that there is room to copy it into the database; then the log begins
// anew and needs no more room.
const reserveSize = 32 << 20

// openReserve makes the file at the start, or finds it. Where there never was room for one the store does without.
func openReserve(path string) reserve {
	known := exists(path)
	r := reserve{path: path, size: reserveSize}
	if err := r.hold(0); err != nil && known {
		r.lost = true // an earlier life gave it up, and the disk is still full
	} else if err != nil {
		_ = os.Remove(path)
		r.size = 0
	}
	return r
}

// hold allocates the file, where there is room for it and so much more. On an error it holds nothing.
func (r *reserve) hold(more int64) error {
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err = allocate(file, r.size+more); err == nil {
		err = file.Truncate(r.size)
	}
	if err != nil {
		err = errors.Join(err, file.Truncate(0))
	}
	return errors.Join(err, file.Close())
}

// giveUp frees the room.
func (r *reserve) giveUp() {
	if r.size > 0 && !r.lost && !planted.Bug(planted.KeptReserve) {
		_ = os.Truncate(r.path, 0) // where this fails the disk stays full, which the next write tells
		r.lost = true
	}
}

// reliefSize is what has to be free beyond the reserve. Without it the reserve would take back its own room, on a disk that is
// still full, and give it up again at the next write.
const reliefSize = 1 << 20

// regain reports whether there is room for more than taking back: the reserve could be held again, or was never lost. It
// tries at most once a second.
func (r *reserve) regain() bool {
	if !r.lost {
		return true
	}
	select {
	case <-r.rest:
	default:
		if r.rest != nil {
			return false
		}
	}
	if err := r.hold(reliefSize); err != nil {
		r.rest = time.After(time.Second)
		return false
	}
	r.lost, r.rest = false, nil
	return true
}

// fill writes the room full, where the system has no better way to allocate it.
func fill(file *os.File, size int64) error {
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i*7 + i>>8) // a file system may store zeros without any room
	}
	for at := int64(0); at < size; at += int64(len(block)) {
		if _, err := file.WriteAt(block[:min(int64(len(block)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}
