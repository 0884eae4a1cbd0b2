package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/seatwright/seatwright/internal/app"
	"github.com/seatwright/seatwright/internal/pgtest"
)

// Promise: /readyz says within seconds whether the database answers, both when it goes away and when it comes back; /livez goes
// on saying that the program does.
func TestReadyzTellsWhetherTheDatabaseAnswers(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartForTest(t, pgtest.Options{})
	database, err := cluster.NewDatabase(t.Context())
	check(t, err)
	opened, err := app.Open(t.Context(), app.Config{Listen: "127.0.0.1:0", DatabaseURL: app.DatabaseURL(database), LogLevel: "error"}, t.Output(), true)
	check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- opened.Serve(ctx) }()
	defer func() {
		stop()
		check(t, <-served)
		check(t, opened.Close())
	}()

	// becomes asks until the status is the wanted one. A single answer may take a while on a busy machine.
	becomes := func(path string, status int) {
		t.Helper()
		end := time.Now().Add(time.Minute)
		for {
			answer, err := http.Get(opened.Address() + path)
			check(t, err)
			var problem struct{ Code string }
			decoded := json.NewDecoder(answer.Body).Decode(&problem)
			answer.Body.Close()
			if answer.StatusCode == status {
				if status == http.StatusServiceUnavailable && (decoded != nil || problem.Code != "store_unavailable" || answer.Header.Get("Retry-After") == "") {
					t.Errorf("%s: the problem is %+v (%v), Retry-After %q", path, problem, decoded, answer.Header.Get("Retry-After"))
				}
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s is %d after a minute, want %d", path, answer.StatusCode, status)
			}
			<-time.After(20 * time.Millisecond)
		}
	}
	becomes("/readyz", http.StatusOK)
	check(t, cluster.Kill())
	becomes("/readyz", http.StatusServiceUnavailable)
	becomes("/livez", http.StatusOK)
	check(t, cluster.StartAgain(t.Context()))
	becomes("/readyz", http.StatusOK)
}
