package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (l *loader) checkDemo() {
	d := &l.cfg.Demo
	known := map[string]bool{DefaultProfile: true}
	for i := range l.cfg.Accounts {
		account := &l.cfg.Accounts[i]
		if len(d.Accounts) == 0 || slices.Contains(d.Accounts, account.AppID) {
			for name := range account.Profiles {
				known[name] = true
			}
		}
	}
	for i, id := range d.Accounts {
		if !slices.ContainsFunc(l.cfg.Accounts, func(a Account) bool { return a.AppID == id }) {
			l.fault(join("demo.accounts", strconv.Itoa(i)), "is no [[account]]: "+quote(id), "write the app_id of one")
		}
	}
	for i, name := range d.Profiles {
		if !known[name] {
			l.fault(join("demo.profiles", strconv.Itoa(i)), "is no profile of an account that the demo shows: "+quote(name),
				"add [account.profiles.NAME], or remove it")
		}
	}
}

func (l *loader) checkSimulator() {
	s := &l.cfg.Simulator
	l.within("simulator.credential_life", s.CredentialLife, 120*time.Second, 2*time.Hour)
	l.within("simulator.overlap", s.Overlap, 0, day)
	if s.Overlap >= s.CredentialLife {
		l.fault("simulator.overlap", "is not shorter than simulator.credential_life", "shorten it, or leave it empty")
	}
	if s.Enabled && len(s.Accounts) == 0 {
		l.fault("simulator.account", "is missing: the simulator knows no account", "add [[simulator.account]]")
	}
	ids := map[string]int{}
	for i := range s.Accounts {
		account, path := &s.Accounts[i], join("simulator.account", strconv.Itoa(i))
		l.appID(join(path, "app_id"), account.AppID)
		if first, taken := ids[account.AppID]; taken {
			l.fault(join(path, "app_id"), fmt.Sprintf("is that of simulator.account[%d] too", first), "remove one of the two")
		} else if account.AppID != "" {
			ids[account.AppID] = i
		}
		l.appSecret(join(path, "secret"), account.Secret.Reveal())
		l.safeDomains(join(path, "domains"), account.Domains)
		l.networks(join(path, "allowed_ips"), account.AllowedIPs)
	}
	l.warnSimulator()
}

// safeDomains are written as in WeChat's console, which takes neither a star nor
// a port: a domain covers its subdomains.
func (l *loader) safeDomains(path string, domains []string) {
	for i, domain := range domains {
		host, _, _ := strings.Cut(domain, "/")
		if host == "" || !printable(domain) || strings.ContainsAny(domain, ":*?#@% \\") {
			l.fault(join(path, strconv.Itoa(i)), "is not a domain as WeChat's console takes it: "+quote(domain),
				"write host or host/path, without scheme, port and star")
		}
	}
}

// warnSimulator names the two ways to have the simulator on without use. The
// demo's base_url is none: serve lets it follow a simulator that listens
// elsewhere.
func (l *loader) warnSimulator() {
	s := &l.cfg.Simulator
	switch own, ok := parseURL(l.cfg.WeChat.BaseURL); {
	case s.Enabled && ok && own.Host != s.Listen && own.Host != Default().Simulator.Listen:
		l.warn("simulator.enabled is true, but wechat.base_url does not lead to simulator.listen: the accounts talk to another server",
			"let it lead there, or set simulator.enabled = false")
	case !s.Enabled && ok && own.Host == s.Listen:
		l.warn("wechat.base_url leads to simulator.listen, but simulator.enabled is false: nobody may answer there",
			"set simulator.enabled = true, or take wechat.base_url out to talk to WeChat; where `wxsign simulator` listens there, leave it")
	}
}
