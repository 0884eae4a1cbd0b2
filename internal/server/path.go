package server

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seatwright/seatwright"
)

// splitPath reads the escaped path of a request into its decoded segments: empty ones are dropped, so that "//" counts as
// "/" and a trailing slash as none. It decodes exactly once, and what could mean something else to whoever decodes or joins
// it again is refused: encoded separators and percent signs, backslashes, control characters, invalid UTF-8 and dot
// segments, encoded or not. The error is invalid/malformed_path.
func splitPath(escaped string) ([]string, error) {
	if !strings.HasPrefix(escaped, "/") {
		return nil, malformedPath("it does not begin with a slash")
	}
	segments := make([]string, 0, 8)
	for raw := range strings.SplitSeq(escaped, "/") {
		if raw == "" {
			continue
		}
		segment := raw
		if strings.IndexByte(raw, '%') >= 0 {
			decoded, err := url.PathUnescape(raw)
			if err != nil {
				return nil, malformedPath("a percent sign has no two hexadecimal digits after it")
			}
			segment = decoded
		}
		if why := refuseSegment(segment); why != "" {
			return nil, malformedPath(why)
		}
		segments = append(segments, segment)
	}
	return segments, nil
}

func refuseSegment(s string) string {
	if s == "." || s == ".." {
		return "it has a dot segment"
	}
	if !utf8.ValidString(s) {
		return "it is not UTF-8"
	}
	for _, c := range s {
		switch {
		case c == '/' || c == '\\' || c == '%':
			return "it has an encoded separator or percent sign, or a backslash"
		case unicode.IsControl(c):
			return "it has a control character"
		}
	}
	return ""
}

// joinPath is the one escaped spelling of segments.
func joinPath(segments []string) string {
	var path strings.Builder
	for _, s := range segments {
		path.WriteByte('/')
		path.WriteString(url.PathEscape(s))
	}
	if path.Len() == 0 {
		return "/"
	}
	return path.String()
}

func malformedPath(why string) error {
	return seatwright.Invalid(seatwright.ReasonMalformedPath, "the path is not usable: %s", why)
}

// lower maps A to Z only. Unicode has letters that become ASCII ones in lower case, and a path must not have two spellings
// that a filter in front of the server takes for different ones.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
