// Package faultclock is the clock of a server: the machine's, except in the build with the tag "faultclock", where a test can
// make it jump. That build is for tests only; in every other one Now is time.Now.
package faultclock
