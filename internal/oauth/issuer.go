package oauth

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/seatwright/seatwright"
)

// IssuerPolicy makes the issuer of a request: an origin followed by prefix, which is the path as the client spelled it up to
// and including the identity segment. The empty string means that the request has no acceptable origin.
type IssuerPolicy func(r *http.Request, prefix string) string

// FixedIssuer is the policy for a server with a known public URL, whatever the request says. The error is
// invalid/invalid_value for anything but an http or https URL without user, query and fragment.
func FixedIssuer(publicURL string) (IssuerPolicy, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !isHost(u.Host) || u.User != nil || strings.ContainsAny(publicURL, "?#") {
		return nil, seatwright.Invalid(seatwright.ReasonInvalidValue, "the public URL is not an http or https URL with a host").In("public-url")
	}
	base := strings.TrimRight(publicURL, "/")
	return func(_ *http.Request, prefix string) string { return base + prefix }, nil
}

// HostIssuer is the policy for a demonstration: whatever host the client asked for. It is no policy for the open network,
// where the Host header is the client's to choose. Forwarding headers are not looked at.
func HostIssuer(r *http.Request, prefix string) string {
	if !isHost(r.Host) {
		return ""
	}
	if r.TLS != nil {
		return "https://" + r.Host + prefix
	}
	return "http://" + r.Host + prefix
}

// isHost checks the form of a host with an optional port.
func isHost(s string) bool {
	host := s
	if strings.HasPrefix(s, "[") || strings.Contains(s, ":") {
		if strings.HasSuffix(s, "]") {
			s += ":80"
		}
		var port string
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			return false
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
		if strings.HasPrefix(s, "[") {
			address, err := netip.ParseAddr(host)
			return err == nil && address.Is6() && address.Zone() == ""
		}
	}
	if host == "" || len(host) > 253 {
		return false
	}
	for i := range len(host) {
		c := host[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
