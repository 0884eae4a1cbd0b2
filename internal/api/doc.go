// Package api is what the JSON doors share: the one table from errors to answers (error.go), and what a request carries to
// its handler (context.go). Bodies are read by package strictjson. The doors themselves are the packages below it; each
// decodes, calls and encodes, and decides nothing.
package api
