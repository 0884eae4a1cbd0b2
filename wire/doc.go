// Package wire holds the JSON shapes of the HTTP doors, made from the documents in api/. A field means what the document
// says; where the published protocol has its own word (account, partition) it stays here and goes no further inside.
// The package imports only the standard library, so that clients can use it. Nothing in it is validated.
package wire
