package cli

import "time"

// ByteTimeouts lets tests see how long clients by HTTP/2 may take nothing: of the
// listener of the pages, and of the other two where they are there.
func ByteTimeouts(control, admin bool) (pages time.Duration, others []time.Duration) {
	p := &program{pages: &listener{}}
	if control {
		p.control = &listener{}
	}
	if admin {
		p.admin = &listener{}
	}
	p.letRest()
	for _, l := range []*listener{p.control, p.admin} {
		if l != nil {
			others = append(others, l.byteTimeout())
		}
	}
	return p.pages.byteTimeout(), others
}
