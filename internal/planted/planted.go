// Package planted holds the switches of bugs that are planted on purpose, so that tests can show that the checks which guard
// against them do fail, and the points at which tests stop a process. Only the build with the tag "mutants" has switches; in
// every other build Bug is constantly false, the points do nothing, and the planted code is not in the binary.
package planted

// The bugs that can be planted, one at a time, by the environment variable SEATWRIGHT_MUTANT.
const (
	LimitOffByOne           = "limit-off-by-one"           // one unit more than was bought is allocated
	AnswerBeforeCommit      = "answer-before-commit"       // callers hear of a change before it is durable
	PartialBulk             = "partial-bulk"               // a refused call keeps what it gave to the first user
	NoKeyRecord             = "no-key-record"              // the answer to an idempotency key is not kept
	SynchronousNormal       = "synchronous-normal"         // SQLite syncs at checkpoints only
	SynchronousOff          = "synchronous-off"            // SQLite never syncs
	TrustTheLog             = "trust-the-log"              // the log of a process that was cut off is read as if it were on the disk
	KeyOfAnybody            = "key-of-anybody"             // idempotency keys of different principals meet
	KeyOfAnyCommand         = "key-of-any-command"         // a key repeats its answer to another command as well
	KeyForEver              = "key-for-ever"               // a key is not forgotten after a day
	TimeRunsBack            = "time-runs-back"             // an event may be earlier than the one before
	BrokenChain             = "broken-chain"               // events do not carry the hash of the one before
	ExpiryCounts            = "expiry-counts"              // a purchase still counts at the instant of its expiry
	ExternalEverywhere      = "external-everywhere"        // external licenses draw no unit where they are not allowed
	ChangeWithoutEvent      = "change-without-event"       // blocking a user leaves no event
	LostRelease             = "lost-release"               // units of a removed record are not given back
	DoubleRelease           = "double-release"             // they are given back twice
	LeaseRevives            = "lease-revives"              // a lease that ended with its offer is back when the bundle is offered again
	QuotaOffByOne           = "quota-off-by-one"           // one member more than the quota says takes a lease
	LeaverKeepsLease        = "leaver-keeps-lease"         // leaving a group ends no lease
	DirectKeepsLease        = "direct-keeps-lease"         // a direct allocation ends no lease
	RuleKeepsUnits          = "rule-keeps-units"           // a bundle that leaves a rule gives no units back
	SweepTwice              = "sweep-twice"                // a lease that is swept gives its unit back twice
	SweepAnyway             = "sweep-anyway"               // whatever was found is swept, though it was used since
	FreeService             = "free-service"               // what services are given is not drawn from the organization
	StaleEntitlements       = "stale-entitlements"         // what is remembered of people outlives what this node changes
	DeafEntitlements        = "deaf-entitlements"          // PostgreSQL: heads are not looked at, and memory is believed
	LoweredService          = "lowered-service"            // a service that is given less gives back units that it uses
	RepeatedUnits           = "repeated-units"             // a repeated lease of units draws them again
	UnitsNeverEnd           = "units-never-end"            // a lease of units that nobody renews goes on
	ForgottenCarry          = "forgotten-carry"            // the end of a period forgets what was consumed of purchases that go on
	AnyOrganization         = "any-organization"           // a path may name an organization that the token is not of
	NoLock                  = "no-lock"                    // PostgreSQL: heads are read and not locked
	TrustedMemory           = "trusted-memory"             // PostgreSQL: what was remembered is believed whatever the head says
	CancelledIsDone         = "cancelled-is-done"          // PostgreSQL: a cancelled wait for the standby is told as success
	UnknownIsDone           = "unknown-is-done"            // PostgreSQL: a COMMIT without an answer is told as success
	UnchangedIsNotCommitted = "unchanged-is-not-committed" // PostgreSQL: replays are answered without waiting for the standby
	NodeClock               = "node-clock"                 // PostgreSQL: the clock of the node counts, not the database's
	GoOnAfterSync           = "go-on-after-sync"           // a failed sync does not end the process
	KeptReserve             = "kept-reserve"               // a full disk does not get the room of the reserve
	ShortLog                = "short-log"                  // no bug: SQLite's log is copied after a few batches, as if many had come
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
