package crashtest

import (
	"context"
	"sync"
)

// Front is where the clients find the living nodes. While all are down they wait here.
type Front struct {
	mu    sync.Mutex
	nodes []node
	up    chan struct{} // closed while a node is up
	turn  int           // requests go to the living nodes in turn
}

type node struct {
	url      string        // empty: down
	answered chan struct{} // closed at the first answer of this life
	first    *sync.Once
}

// NewFront is the front of so many nodes, all down.
func NewFront(nodes int) *Front { return &Front{nodes: make([]node, nodes), up: make(chan struct{})} }

// Up tells everybody where a node is now.
func (f *Front) Up(n int, url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.anyUp() {
		close(f.up)
	}
	f.nodes[n] = node{url: url, answered: make(chan struct{}), first: &sync.Once{}}
}

// URL is where a node is, empty while it is down.
func (f *Front) URL(n int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nodes[n].url
}

// Down keeps clients away from a node; it comes just before a kill.
func (f *Front) Down(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	wasUp := f.anyUp()
	f.nodes[n].url = ""
	if wasUp && !f.anyUp() {
		f.up = make(chan struct{})
	}
}

func (f *Front) anyUp() bool {
	for _, n := range f.nodes {
		if n.url != "" {
			return true
		}
	}
	return false
}

// wait returns the address of a living node, and what to call when it has answered.
func (f *Front) wait(ctx context.Context) (url string, answered func(), err error) {
	for {
		f.mu.Lock()
		up := f.up
		for range f.nodes {
			f.turn = (f.turn + 1) % len(f.nodes)
			if n := f.nodes[f.turn]; n.url != "" {
				f.mu.Unlock()
				return n.url, func() { n.first.Do(func() { close(n.answered) }) }, nil
			}
		}
		f.mu.Unlock()
		select {
		case <-up:
		case <-ctx.Done():
			return "", nil, context.Cause(ctx)
		}
	}
}

// FirstAnswer is closed when a node, which is up, has answered for the first time in this life.
func (f *Front) FirstAnswer(n int) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nodes[n].answered
}
