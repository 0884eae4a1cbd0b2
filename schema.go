package seatwright

import "fmt"

// Schema compares the tables of a database with what this program knows. Versions are the numbers of migrations, which are
// the same for every store.
type Schema struct {
	Version int64 // the last migration of the database, 0: it is empty
	Known   int64 // the last migration that this program brings
	Oldest  int64 // the least Known of a program that may use the database, as the database says
}

// Usable refuses a program that is too old for the database. Older than the database is not too old yet: nodes are upgraded
// one by one, so a new schema leaves room for the release before it, and says so.
func (s Schema) Usable() error {
	if s.Version > s.Known && s.Oldest > s.Known {
		return fmt.Errorf("the database has schema %d, which programs may use that know schema %d at least; this one knows %d: use a newer release",
			s.Version, s.Oldest, s.Known)
	}
	return nil
}

// Exact refuses a program that does not know the whole database: it would leave out what it does not know.
func (s Schema) Exact() error {
	switch {
	case s.Version > s.Known:
		return fmt.Errorf("the database has schema %d, this program knows %d and would miss what is new: use the release that made it", s.Version, s.Known)
	case s.Version < s.Known:
		return fmt.Errorf("the database has schema %d, this program needs %d: run migrate, or start the server, first", s.Version, s.Known)
	}
	return nil
}
