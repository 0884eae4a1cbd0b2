// Package planted holds the switches of bugs that are planted on purpose, so that tests can show that the checks which guard
// against them do fail, and the points at which tests stop a process. Only the build with the tag "mutants" has switches; in
// every other build Bug is constantly false, the points do nothing, and the planted code is not in the binary.
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

// StepMigration is before each statement of the migrations, and after the last.
const StepMigration = "migration"

// The steps of a batch before and after which a process can be stopped, by the environment variable SEATWRIGHT_FAILPOINT.
const (
	StepBegin   = "begin"
	StepLock    = "lock"    // the heads of the organizations, where it is not one with begin
	StepLoad    = "load"    // what the decisions look at
	StepHead    = "head"    // the ends of the chains
	StepCounter = "counter" // the pools
	StepInsert  = "insert"  // seats
	StepAudit   = "audit"   // events
	StepKey     = "key"     // stored answers
	StepCommit  = "commit"
	StepAnswer  = "answer" // to the callers
)
