package audit

import (
	"encoding/csv"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/seatwright/seatwright/internal/audit"
)

// file is the answer of a download. It is written page by page: neither the log nor the file is ever in memory as a whole.
type file struct {
	total int64 // records that the log has
	pages iter.Seq2[[]audit.Record, error]
}

// pageTime is how long a client may take for one page of a file. Whoever is slower is cut off.
const pageTime = time.Minute

var columns = []string{"createdOn", "category", "action", "userName", "email", "message", "source", "auditLogDetails"}

// VisitDownloadAuditLogsResponse implements DownloadAuditLogsResponseObject.
func (f file) VisitDownloadAuditLogsResponse(w http.ResponseWriter) error { return f.write(w) }

// VisitDownloadIdentityAuditQueryResponse implements DownloadIdentityAuditQueryResponseObject.
func (f file) VisitDownloadIdentityAuditQueryResponse(w http.ResponseWriter) error { return f.write(w) }

// write sends the file. Nothing can be refused any more once it has begun: it panics instead, which cuts the connection, so that
// nobody takes a part of the file for the whole.
func (f file) write(w http.ResponseWriter) error {
	header := w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	header.Set("Content-Disposition", `attachment; filename="auditlogs.csv"`)
	header.Set("X-Total-Count", strconv.FormatInt(f.total, 10))
	w.WriteHeader(http.StatusOK)
	deadline := http.NewResponseController(w)
	lines := csv.NewWriter(w)
	lines.UseCRLF = true
	_ = lines.Write(columns) // what goes wrong is told by Error
	for page, err := range f.pages {
		if err != nil {
			panic(err) // the panic guard writes it into the log
		}
		// Where a writer has no deadline the server's own holds.
		_ = deadline.SetWriteDeadline(time.Now().Add(pageTime)) //nolint:forbidigo // a deadline of the network is on the clock of this machine
		for _, r := range page {
			_ = lines.Write(cells(r))
		}
		lines.Flush()
		if lines.Error() != nil {
			break
		}
	}
	lines.Flush()
	if err := lines.Error(); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) { // HEAD has no body
		panic(http.ErrAbortHandler) // nobody is there any more
	}
	return nil
}

func cells(r audit.Record) []string {
	row := []string{
		r.CreatedAt.Format(time.RFC3339Nano), r.Category, r.Action, r.UserName, r.Email, r.Message, r.Source, r.Details,
	}
	for i, cell := range row {
		row[i] = harmless(cell)
	}
	return row
}

// harmless puts an apostrophe wherever a spreadsheet program would begin to read a formula: at the begin of the cell, and behind
// what another program, or another country's settings, take for the end of a cell or line. Quotes and spaces in between do not
// help it.
// Source: OWASP, "CSV Injection".
func harmless(cell string) string {
	var guarded []byte
	copied, begin, atBegin := 0, 0, true // begin is where what may be a cell of its own begins
	guard := func() {
		guarded = append(append(guarded, cell[copied:begin]...), '\'')
		copied = begin
	}
	for i, c := range cell {
		switch {
		case strings.ContainsRune("\t\r\n,;|", c):
			if begin == 0 && atBegin && unicode.IsControl(c) {
				guard()
			}
			begin, atBegin = i+1, true
		case atBegin && strings.ContainsRune("=+-@＝＋－＠", c):
			guard()
			atBegin = false
		case !unicode.IsSpace(c) && !strings.ContainsRune(`"'`, c) && !unicode.Is(unicode.Cf, c):
			atBegin = false
		}
	}
	return string(append(guarded, cell[copied:]...))
}
