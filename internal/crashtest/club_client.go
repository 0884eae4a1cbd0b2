package crashtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// performClub does one operation of the club and reads the answer strictly.
func (c *Client) performClub(ctx context.Context, in clubInput, key string) (out clubOutput, err error) {
	const rule = LicensePath + "/group/" + clubGroup
	const inGroup = "/identity_/api/Group/" + clubGroup
	const lot = "/api/v1/organizations/" + Organization + "/lots/" + clubLot
	changed := func(change map[string]any) (int, []byte, error) {
		return c.as(c.host).Send(ctx, http.MethodPatch, lot, key, change)
	}
	var status int
	var answer []byte
	one := map[string]any{"userIds": []string{memberID(in.member)}}
	switch in.verb {
	case signInTo:
		path := LicensePath + "/session?clientType=studio&sessionId=of-" + memberID(in.member)
		status, answer, err = c.as(c.members[in.member]).Send(ctx, http.MethodPost, path, key, nil)
	case giveBack:
		status, answer, err = c.as(c.members[in.member]).Send(ctx, http.MethodDelete, LicensePath+"/currentUser", key, nil)
	case revoke:
		status, answer, err = c.Send(ctx, http.MethodDelete, rule+"/user/"+memberID(in.member), key, nil)
	case setRule:
		status, answer, err = c.Send(ctx, http.MethodPut, rule+"/with-quota", key, ruleBody(in))
	case removeRule:
		status, answer, err = c.Send(ctx, http.MethodDelete, rule, key, nil)
	case give:
		one["userBundleCodes"] = clubCodes[:1]
		status, answer, err = c.Send(ctx, http.MethodPut, LicensePath, key, one)
	case takeAway:
		status, answer, err = c.Send(ctx, http.MethodDelete, LicensePath, key, one)
	case leave:
		status, answer, err = c.Send(ctx, http.MethodPut, inGroup, key, map[string]any{"directoryUserIDsToRemove": one["userIds"]})
	case join:
		status, answer, err = c.Send(ctx, http.MethodPut, inGroup, key, map[string]any{"directoryUserIDsToAdd": one["userIds"]})
	case gather:
		status, answer, err = c.Send(ctx, http.MethodPut, inGroup, key, map[string]any{"directoryUserIDsToAdd": Members()})
	case changeLot:
		status, answer, err = changed(map[string]any{"quantity": in.units})
	case endLot:
		status, answer, err = changed(map[string]any{"end": clubStart.AddDate(0, 0, 1).Format(time.RFC3339)})
	case renewLot:
		status, answer, err = changed(map[string]any{"end": clubStart.AddDate(100, 0, 0).Format(time.RFC3339)})
	case readLeases:
		status, answer, err = c.Send(ctx, http.MethodGet, rule+"/user?top=100", "", nil)
	case readDirect:
		status, answer, err = c.Send(ctx, http.MethodPost, LicensePath, "", map[string]any{"userIds": Members()})
	case readRule:
		status, answer, err = c.Send(ctx, http.MethodGet, rule+"/with-quota", "", nil)
	case readUsed:
		pools, err := c.pools(ctx)
		return clubOutput{used: [2]int{pools[clubCodes[0]].Allocated, pools[clubCodes[1]].Allocated}, total: pools[clubCodes[0]].Total}, err
	}
	if err != nil {
		return out, err
	}
	switch status {
	case http.StatusOK:
		out, err = readClub(in, answer)
	case http.StatusConflict, http.StatusForbidden:
		out, err = readClubRefusal(answer)
	default:
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return out, violated("club, %s: wrong answer: %v: %s", in, err, answer)
	}
	return out, nil
}

func ruleBody(in clubInput) map[string]any {
	offered, quotas := []string{}, []map[string]any{}
	for i, code := range clubCodes {
		if in.offered[i] {
			offered = append(offered, code)
		}
		if in.quota[i] > 0 {
			quotas = append(quotas, map[string]any{"userBundleCode": code, "limit": in.quota[i]})
		}
	}
	return map[string]any{"userBundleCodes": offered, "quotas": quotas}
}

// clubCode is the index of a code of the club.
func clubCode(code string) (int, error) {
	i := slices.Index(clubCodes[:], code)
	if i < 0 {
		return 0, fmt.Errorf("%s is no code of the club", code)
	}
	return i, nil
}

// clubMember is somebody of the club, by their id.
func clubMember(id string) (group, error) {
	member, err := strconv.Atoi(strings.TrimPrefix(id, "m-"))
	if err != nil || id != memberID(member) || member >= members {
		return 0, fmt.Errorf("%s is not of the club", id)
	}
	return 1 << member, nil
}

func readClub(in clubInput, answer []byte) (out clubOutput, err error) {
	switch in.verb {
	case signInTo:
		return readSession(in, answer)
	case setRule, readRule:
		if out, err = readClubRule(answer); err == nil && in.verb == setRule {
			if out.seen.offered != in.offered || out.seen.quota != in.quota {
				err = errors.New("not the rule that was set")
			}
			out = clubOutput{}
		}
		return out, err
	case changeLot, endLot, renewLot:
		var lot struct {
			Quantity int    `json:"quantity"`
			State    string `json:"state"`
		}
		if err = json.Unmarshal(answer, &lot); lot.State == "active" {
			out.total = lot.Quantity
		}
	case giveBack, takeAway:
		var removal struct {
			Successful []string `json:"successfulUserIds"`
			Failed     []string `json:"failedUserIds"`
		}
		if err = json.Unmarshal(answer, &removal); err == nil && (!slices.Equal(removal.Successful, []string{memberID(in.member)}) || len(removal.Failed) > 0) {
			err = errors.New("not the member")
		}
	case readLeases:
		var page struct {
			Results []struct {
				ID     string   `json:"id"`
				Codes  []string `json:"userBundleLicenses"`
				Orphan bool     `json:"orphan"`
			} `json:"results"`
		}
		err = json.Unmarshal(answer, &page)
		for _, holder := range page.Results {
			who, unknown := clubMember(holder.ID)
			if holder.Orphan {
				unknown = errors.New("whoever leaves loses what they lease")
			}
			err = errors.Join(err, unknown)
			for _, code := range holder.Codes {
				i, unknown := clubCode(code)
				err = errors.Join(err, unknown)
				out.seen.leased[i] |= who
			}
		}
	case readDirect:
		var elements []struct {
			ID    string   `json:"id"`
			Codes []string `json:"userBundleLicenses"`
		}
		err = json.Unmarshal(answer, &elements)
		for _, e := range elements {
			who, unknown := clubMember(e.ID)
			if !slices.Equal(e.Codes, clubCodes[:1]) {
				unknown = errors.New("nothing but the first bundle was ever allocated")
			}
			err = errors.Join(err, unknown)
			out.seen.direct |= who
		}
	}
	return out, err
}

func readSession(in clubInput, answer []byte) (out clubOutput, err error) {
	var session struct {
		UserID string `json:"userId"`
		Token  string `json:"license_token"`
	}
	if err := json.Unmarshal(answer, &session); err != nil {
		return out, err
	}
	var claims struct {
		Codes   []string `json:"ubl"`
		Subject string   `json:"sub"`
	}
	parts := strings.Split(session.Token, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err == nil && (session.UserID != memberID(in.member) || claims.Subject != session.UserID) {
		err = errors.New("somebody else's session")
	}
	for _, code := range claims.Codes {
		i, unknown := clubCode(code)
		err = errors.Join(err, unknown)
		out.holds[i] = true
	}
	return out, err
}

func readClubRule(answer []byte) (out clubOutput, err error) {
	var rule struct {
		Rule struct {
			Codes []string `json:"userBundleCodes"`
		} `json:"groupRule"`
		Quotas []struct {
			Code  string `json:"userBundleCode"`
			Limit int    `json:"limit"`
			Used  int    `json:"currentUsage"`
		} `json:"quotas"`
	}
	err = json.Unmarshal(answer, &rule)
	for _, code := range rule.Rule.Codes {
		i, unknown := clubCode(code)
		err = errors.Join(err, unknown)
		out.seen.offered[i] = true
	}
	for _, q := range rule.Quotas {
		i, unknown := clubCode(q.Code)
		err = errors.Join(err, unknown)
		out.seen.quota[i], out.used[i] = q.Limit, q.Used
	}
	return out, err
}

func readClubRefusal(answer []byte) (out clubOutput, err error) {
	var p problem
	err = json.Unmarshal(answer, &p)
	out.refused = p.Code
	for _, short := range p.Shortages {
		i, unknown := clubCode(short.Bundle)
		if short.Requested != 1 || short.Available != 0 {
			unknown = errors.New("one is requested where none is left")
		}
		err = errors.Join(err, unknown)
		out.short[i] = true
	}
	return out, err
}
