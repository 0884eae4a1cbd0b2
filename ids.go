package seatwright

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// OrganizationID names an organization; the published protocol calls it account or partition.
type OrganizationID string

// TenantID names a tenant, unique within its organization.
type TenantID string

// UserID names a person, unique within their organization. Published samples are "singer-77"; ours are UUIDs.
type UserID string

// ApplicationID is an OAuth client id, unique in the installation.
type ApplicationID string

// LotID names a purchase lot, unique within its organization.
type LotID string

// ProductCode is the published code of a product, such as "ATTUNU"; products that are handed out to people are called bundles. Codes
// are compared exactly.
type ProductCode string

// HostID is the partition of the installation itself: the level above organizations. The value is the one that the
// published API prescribes for every host account.
const HostID OrganizationID = "feb0dd79-85b6-483b-b297-0e49a1aa5b7d"

// MaxIDLength is the longest opaque id that is accepted, in bytes.
const MaxIDLength = 128

// NewID returns a fresh random UUID (RFC 9562 version 4) in lower case.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	text := [36]byte{8: '-', 13: '-', 18: '-', 23: '-'}
	hex.Encode(text[0:], b[0:4]) // not by fmt: every request gets an id
	hex.Encode(text[9:], b[4:6])
	hex.Encode(text[14:], b[6:8])
	hex.Encode(text[19:], b[8:10])
	hex.Encode(text[24:], b[10:16])
	return string(text[:])
}

// CanonicalID returns the form of an opaque id that is stored and compared: UUIDs in lower case, everything else as it
// is. An id is one to 128 characters of letters, digits and ". _ @ | : -"; anything else is invalid/malformed_id.
func CanonicalID(id string) (string, error) {
	if id == "" || len(id) > MaxIDLength {
		return "", Invalid(ReasonMalformedID, "an id has 1 to %d characters, this one has %d", MaxIDLength, len(id))
	}
	for i := range len(id) {
		if !idByte(id[i]) {
			return "", Invalid(ReasonMalformedID, "an id has only letters, digits and . _ @ | : -, not the byte %#02x at offset %d", id[i], i)
		}
	}
	if id == "." || id == ".." {
		return "", Invalid(ReasonMalformedID, "%q means something else in a path", id)
	}
	if isUUID(id) {
		return strings.ToLower(id), nil
	}
	return id, nil
}

func idByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("._@|:-", c) >= 0
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
				return false
			}
		}
	}
	return true
}

// UserIDs reads a list of user ids as it comes in a request: canonical, in order, duplicates dropped. The errors are
// invalid/invalid_value for none, invalid/too_many for more than MaxUsersPerCall, and invalid/malformed_id.
func UserIDs(raw []string) ([]UserID, error) {
	if len(raw) == 0 {
		return nil, Invalid(ReasonInvalidValue, "at least one user id is needed").In("userIds")
	}
	if len(raw) > MaxUsersPerCall {
		return nil, Invalid(ReasonTooMany, "at most %d users in one call, not %d", MaxUsersPerCall, len(raw)).In("userIds")
	}
	return DistinctIDs[UserID](raw, "userIds")
}

// BundleCodes reads a list of bundle codes as it comes in a request: in order, duplicates dropped; it may be empty. Whether
// a code exists is decided later. The errors are invalid/too_many for more than MaxCodesPerCall, and invalid/malformed_id.
func BundleCodes(raw []string) ([]ProductCode, error) {
	if len(raw) > MaxCodesPerCall {
		return nil, Invalid(ReasonTooMany, "at most %d codes in one call, not %d", MaxCodesPerCall, len(raw)).In("userBundleCodes")
	}
	return DistinctIDs[ProductCode](raw, "userBundleCodes")
}

// DistinctIDs reads a list of ids as it comes in a request: canonical, in order, duplicates dropped. The error is
// invalid/malformed_id and names the field.
func DistinctIDs[ID ~string](raw []string, field string) ([]ID, error) {
	ids := make([]ID, 0, len(raw))
	seen := make(map[ID]bool, len(raw))
	for i, text := range raw {
		canonical, err := CanonicalID(text)
		if err != nil {
			return nil, AsError(err).In(fmt.Sprintf("%s[%d]", field, i))
		}
		if id := ID(canonical); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}
