package keeper

import (
	"time"

	"github.com/wxsign/wxsign/service/wechat"
)

// Observer is told what the keeper does, for metrics. Its methods must not
// block; they are called from many goroutines.
type Observer interface {
	// Claimed tells of a try to claim a credential of a kind.
	Claimed(kind string, won bool)
	// Called tells of one call to WeChat: for a credential of a kind, or with
	// the kind KindProbe. errcode is 0 for a good answer and NoAnswer where
	// WeChat gave none, or none that could be used.
	Called(kind string, errcode int, took time.Duration)
	// Ended tells of an attempt of this replica with its outcome (renewed,
	// unchanged, failed or refused) and WeChat's errcode, 0 where there was none.
	Ended(kind, outcome string, errcode int)
}

const (
	// KindProbe is what an Observer is told as the kind of a probe.
	KindProbe = "probe"
	// NoAnswer is what an Observer is told as the errcode of a call that brought
	// no answer of WeChat's.
	NoAnswer = -1000
)

// nobody is the Observer of those who want none.
type nobody struct{}

func (nobody) Claimed(string, bool)              {}
func (nobody) Called(string, int, time.Duration) {}
func (nobody) Ended(string, string, int)         {}

// called tells the observer of a call by its error.
func (k *Keeper) called(kind string, err error, took time.Duration) {
	errcode := errcodeOf(err)
	if err != nil && errcode == 0 {
		errcode = NoAnswer
	}
	k.observer.Called(kind, errcode, took)
}

// isDead reports whether an error is WeChat's word that a token is dead.
func isDead(err error) bool { return err != nil && wechat.ClassOf(err) == wechat.TokenDead }
