// Package planted holds the switches of bugs that are planted on purpose, so that tests can show that the checks which guard
// against them do fail. Only the build with the tag "mutants" has switches; in every other build Bug is constantly false and
// the planted code is not in the binary.
package planted

// The bugs that can be planted, one at a time, by the environment variable SEATWRIGHT_MUTANT.
const (
	LimitOffByOne      = "limit-off-by-one"     // one unit more than was bought is allocated
	AnswerBeforeCommit = "answer-before-commit" // callers hear of a change before it is durable
	PartialBulk        = "partial-bulk"         // a refused call keeps what it gave to the first user
	NoKeyRecord        = "no-key-record"        // the answer to an idempotency key is not kept
	SynchronousNormal  = "synchronous-normal"   // SQLite syncs at checkpoints only
	SynchronousOff     = "synchronous-off"      // SQLite never syncs
	TrustTheLog        = "trust-the-log"        // the log of a process that was cut off is read as if it were on the disk
	GoOnAfterSync      = "go-on-after-sync"     // a failed sync does not end the process
)
