// Package strictjson reads the JSON bodies of every door: strictly and, where nothing odd is in them, in one pass. It leaves
// what the values mean to the caller. Start at DecodeBody.
package strictjson

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seatwright/seatwright"
)

// The limits of a body.
const (
	MaxBody  = 1 << 20 // bytes
	MaxDepth = 32      // arrays and objects within each other
)

// UnknownFields says what becomes of a field that the contract does not have.
type UnknownFields bool

// The two policies: refuse on the native door, ignore on the compatible ones.
const (
	RefuseUnknownFields UnknownFields = false
	IgnoreUnknownFields UnknownFields = true
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// DecodeBody reads the body of a request, which must be one JSON object in UTF-8, into the struct that into points to. Where into
// points to a pointer to a struct, null is taken as well and leaves it nil.
//
// It is strict: names are exact, and a name that occurs twice in an object, also in other letter case, is refused, as are
// invalid UTF-8, text after the object, nesting over [MaxDepth] and values of a wrong type. What is valid but senseless
// (an empty id, a missing field) is for the caller to find.
//
// Errors: invalid/unsupported_media_type, invalid/body_too_large, and invalid/malformed_body with the position.
func DecodeBody(r *http.Request, into any, policy UnknownFields) error {
	if err := CheckMediaType(r.Header); err != nil {
		return err
	}
	buffer := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buffer) // decoded strings are copies
	buffer.Reset()
	_, err := buffer.ReadFrom(io.LimitReader(r.Body, MaxBody+1))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || buffer.Len() > MaxBody:
		return seatwright.Invalid(seatwright.ReasonBodyTooLarge, "the body is larger than %d bytes", MaxBody)
	case err != nil:
		return seatwright.Invalid(seatwright.ReasonMalformedBody, "the body ended before it was complete")
	}
	return decode(buffer.Bytes(), into, policy)
}

// decode makes one pass over a body that has only known fields. Where there are others it looks at the names and the depth
// of the whole text first, because the decoder skips what it ignores.
func decode(text []byte, into any, policy UnknownFields) error {
	if first := bytes.TrimLeft(text, " \t\r\n"); len(first) == 0 {
		return seatwright.Invalid(seatwright.ReasonMalformedBody, "the body is empty")
	} else if first[0] == 'n' && reflect.TypeOf(into).Elem().Kind() != reflect.Pointer {
		// A decoder takes null for a struct without any field.
		return seatwright.Invalid(seatwright.ReasonMalformedBody, "the body must be a JSON object")
	}
	err := json.Unmarshal(text, into, json.RejectUnknownMembers(true))
	if errors.Is(err, json.ErrUnknownName) {
		if err := Check(text); err != nil {
			return err
		}
		if policy == IgnoreUnknownFields {
			err = json.Unmarshal(text, into)
		}
	}
	if err != nil {
		return explain(text, err)
	}
	return nil
}

// Check refuses what json.Unmarshal would let pass within fields that it does not know: names that occur twice in an object
// in different letter case, and nesting over [MaxDepth]. What is no JSON is refused as well: invalid/malformed_body.
func Check(text []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	var open []map[string]bool // the folded names of every open object; nil for an array
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return explain(text, err)
		}
		switch kind := token.Kind(); kind {
		case '{':
			open = append(open, map[string]bool{})
		case '[':
			open = append(open, nil)
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			if within, length := d.StackIndex(d.StackDepth()); within == '{' && length%2 == 1 {
				name := fold(token.String())
				names := open[len(open)-1]
				if names[name] {
					return malformed(text, d.InputOffset(), string(d.StackPointer()), "a name occurs twice, in different letter case")
				}
				names[name] = true
			}
		}
		if len(open) > MaxDepth {
			return malformed(text, d.InputOffset(), "", "nested more than "+strconv.Itoa(MaxDepth)+" levels deep")
		}
	}
}

// fold maps all spellings of a name that differ only in letter case to one. Every character goes to the first of those that
// Unicode folds together, so that the long s and the Kelvin sign do not pass for other letters.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

func explain(text []byte, err error) error {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic):
		offset, why := syntactic.ByteOffset, "it breaks off"
		if errors.Is(syntactic.Err, jsontext.ErrDuplicateName) {
			why = "a name occurs twice"
		} else if !errors.Is(err, io.ErrUnexpectedEOF) && syntactic.Err != nil {
			why = syntactic.Err.Error()
		}
		return malformed(text, offset, string(syntactic.JSONPointer), why)
	case errors.As(err, &semantic):
		why := "this " + kindName(semantic.JSONKind) + " does not belong here"
		if errors.Is(semantic.Err, json.ErrUnknownName) {
			why = "there is no such field"
		} else if semantic.JSONKind == '0' && isNumber(semantic.GoType) {
			why = "this number is too large, or has a fraction where none can be"
		}
		pointer := string(semantic.JSONPointer)
		return malformed(text, semantic.ByteOffset, pointer, why).In(fieldOf(pointer))
	default:
		return malformed(text, int64(len(text)), "", "it breaks off")
	}
}

// malformed says where the text is wrong. Offsets are in bytes from 0, lines and columns (in characters) from 1.
func malformed(text []byte, offset int64, pointer, why string) *seatwright.Error {
	before := text[:min(max(offset, 0), int64(len(text)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	within := ""
	if pointer != "" {
		const longest = 100
		if len(pointer) > longest {
			pointer = strings.ToValidUTF8(pointer[:longest], "") + "…"
		}
		within = ", in " + strconv.Quote(pointer)
	}
	return seatwright.Invalid(seatwright.ReasonMalformedBody, "the body is malformed: %s at line %d, column %d%s", why, line, column, within)
}

// fieldOf turns a JSON pointer into the form in which fields are named elsewhere: /userIds/3 is userIds[3].
func fieldOf(pointer string) string {
	var field strings.Builder
	for token := range jsontext.Pointer(pointer).Tokens() {
		if _, err := strconv.Atoi(token); err == nil {
			field.WriteString("[" + token + "]")
			continue
		}
		if field.Len() > 0 {
			field.WriteByte('.')
		}
		field.WriteString(token)
	}
	if field.Len() > seatwright.MaxIDLength {
		return ""
	}
	return field.String()
}

// isNumber reports that a number is read into t, so that only its value can be wrong.
func isNumber(t reflect.Type) bool {
	return t != nil && t.ConvertibleTo(reflect.TypeFor[float64]())
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '{':
		return "object"
	case '[':
		return "list"
	case '"':
		return "string"
	case '0':
		return "number"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "value"
}

// CheckMediaType refuses a body by its header: invalid/unsupported_media_type. It takes the types that the published API takes, in UTF-8 and not compressed: a small compressed body can
// become a large one.
func CheckMediaType(header http.Header) error {
	types := header.Values("Content-Type")
	if len(header.Values("Content-Encoding")) > 0 && !strings.EqualFold(header.Get("Content-Encoding"), "identity") {
		return seatwright.Invalid(seatwright.ReasonMediaType, "a compressed body is not read")
	}
	if len(types) == 1 && types[0] == "application/json" {
		return nil
	}
	if len(types) == 1 {
		media, parameters, err := mime.ParseMediaType(types[0])
		charset, given := parameters["charset"]
		if err == nil && isJSON(media) && (!given || strings.EqualFold(charset, "utf-8")) {
			return nil
		}
	}
	return seatwright.Invalid(seatwright.ReasonMediaType, "the Content-Type must be application/json, text/json or another JSON type, in UTF-8")
}

func isJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
}
