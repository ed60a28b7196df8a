package apikey

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ErrDraft refuses a key that is not well described; the text says what to
// change.
var ErrDraft = errors.New("this key cannot be made")

// Draft describes a key to be made. Nothing is allowed that is not named.
type Draft struct {
	Name     string        // of the program that will hold it
	Scopes   []string      // at least one
	Accounts []string      // app_ids, or AllAccounts alone
	CIDRs    []string      // networks or addresses; empty = from every address
	Life     time.Duration // 0 = until it is revoked
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

const (
	leastLife = time.Minute
	// mostListed entries fit into the columns.
	mostListed = 500
	maxAppID   = 128
)

// checked is the draft in one form, or ErrDraft.
func (d Draft) checked() (Draft, error) {
	var err error
	switch {
	case !nameForm.MatchString(d.Name):
		return d, draftError("a name has 1 to 64 letters, digits, '.', '_' or '-', and begins with a letter or digit")
	case d.Life != 0 && d.Life < leastLife:
		return d, draftError("it must live for a minute at least")
	case len(d.Accounts) == 0:
		return d, draftError("name its accounts by their app_id, or %q for all", AllAccounts)
	case len(d.Accounts) > mostListed || len(d.CIDRs) > mostListed:
		return d, draftError("at most %d accounts and %d networks", mostListed, mostListed)
	}
	if d.Scopes, err = checkedScopes(d.Scopes); err != nil {
		return d, err
	}
	if d.Accounts, err = checkedAccounts(d.Accounts); err != nil {
		return d, err
	}
	d.CIDRs, err = checkedNetworks(d.CIDRs)
	return d, err
}

func checkedScopes(scopes []string) ([]string, error) {
	for _, scope := range scopes {
		if !slices.Contains(Scopes(), scope) {
			return nil, draftError("there is no scope %q, only %s", scope, strings.Join(Scopes(), ", "))
		}
	}
	if len(scopes) == 0 {
		return nil, draftError("name its scopes: %s", strings.Join(Scopes(), ", "))
	}
	return slices.DeleteFunc(Scopes(), func(s string) bool { return !slices.Contains(scopes, s) }), nil
}

func checkedAccounts(accounts []string) ([]string, error) {
	for _, appID := range accounts {
		if appID == "" || len(appID) > maxAppID || strings.ContainsFunc(appID, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, draftError("%q is no app_id", appID)
		}
	}
	if slices.Contains(accounts, AllAccounts) {
		return []string{AllAccounts}, nil
	}
	accounts = slices.Clone(accounts)
	slices.Sort(accounts)
	return slices.Compact(accounts), nil
}

// checkedNetworks writes addresses as networks of one. A network of every
// address is refused: leaving the list out says the same and cannot be misread
// by RelayAllows as a list that somebody thought about.
func checkedNetworks(list []string) ([]string, error) {
	networks := []string{}
	for _, text := range list {
		network, err := parseNetwork(text)
		if err != nil {
			return nil, err
		}
		if network.Bits() == 0 {
			return nil, draftError("%s is every address: leave the networks out for that", text)
		}
		networks = append(networks, network.Masked().String())
	}
	slices.Sort(networks)
	return slices.Compact(networks), nil
}

// ipv4InIPv6 is how many bits stand before an IPv4 address in an IPv6 one.
const ipv4InIPv6 = 96

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || network.Addr().Is4In6() && network.Bits() < ipv4InIPv6 {
		return netip.Prefix{}, draftError("%q is no network: write it as in 10.0.0.0/8 or 192.168.1.7", text)
	}
	if network.Addr().Is4In6() {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-ipv4InIPv6)
	}
	return network, nil
}

func draftError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDraft, fmt.Sprintf(format, args...))
}
