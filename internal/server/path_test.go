package server

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestPathsAreReadOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ escaped, want string }{
		{"/", "/"},
		{"//", "/"},
		{"//acme//lease_/", "/acme/lease_"},
		{"/Acme/LEASE_", "/Acme/LEASE_"},
		{"/a%20b", "/a%20b"},
		{"/%41bc", "/Abc"},
		{"/zo%C3%AB", "/zo%C3%AB"},
		{"/...", "/..."},
	} {
		segments, err := splitPath(c.escaped)
		if err != nil {
			t.Errorf("%s: %v", c.escaped, err)
		} else if got := joinPath(segments); got != c.want {
			t.Errorf("%s is %s, want %s", c.escaped, got, c.want)
		}
	}
}

func TestPathsThatMeanTwoThingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, escaped := range []string{
		"", "*", "acme", "/a%2fb", "/a%2Fb", "/a%5cb", `/a\b`, "/a%00b", "/a\x01b", "/a%7f", "/a%0d%0aX", "/a%c2%85b", "/../a", "/a/..", "/a/./b",
		"/%2e%2e/a", "/.%2e/a", "/%2E", "/a%ff", "/a%c0%af", "/a%252fb", "/a%25", "/a%", "/a%zz", "/a%2",
	} {
		if segments, err := splitPath(escaped); err == nil {
			t.Errorf("%q was read as %q", escaped, segments)
		}
	}
}

// checkPath holds what whoever authorizes by a path relies on.
func checkPath(t interface{ Fatalf(string, ...any) }, escaped string) {
	segments, err := splitPath(escaped)
	if err != nil {
		return
	}
	joined := joinPath(segments)
	again, err := splitPath(joined)
	if err != nil || joinPath(again) != joined {
		t.Fatalf("%q: %q is read as %q, %v", escaped, joined, again, err)
	}
	if strings.Contains(joined, "//") {
		t.Fatalf("%q: %q has an empty segment", escaped, joined)
	}
	for _, s := range segments {
		if s == "" || s == "." || s == ".." || strings.ContainsAny(s, `/\%`) || strings.ContainsFunc(s, unicode.IsControl) {
			t.Fatalf("%q: segment %q", escaped, s)
		}
	}
}

func TestPathProperties(t *testing.T) {
	t.Parallel()
	part := rapid.SampledFrom([]string{"/", "//", ".", "..", "%2e", "%2F", "%5c", "%25", "%00", "%c3", "%ab", "a", "LEASE_", "%", "é", "\\", "\x7f", " "})
	rapid.Check(t, func(t *rapid.T) {
		checkPath(t, "/"+strings.Join(rapid.SliceOf(part).Draw(t, "parts"), ""))
	})
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/", "//acme/lease_/api", "/a%2fb", "/%2e%2e/x", "/a%252e", "/caf%C3%A9/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, escaped string) { checkPath(t, escaped) })
}

// Only ASCII letters have a lower case here: the Kelvin sign is not a k.
func TestLowerIsASCII(t *testing.T) {
	t.Parallel()
	if got := lower("ToKEN/\u212a\u00c4"); got != "token/\u212a\u00c4" {
		t.Error(got)
	}
}
