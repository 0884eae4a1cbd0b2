package app

import "github.com/seatwright/seatwright"

// Store lets tests count what is stored, past every answer.
func (a *App) Store() seatwright.Store { return a.store }

// Save writes the credentials as [App.LoadDemo] finds them.
func (d Demo) Save(dir string) error { return d.save(dir) }
