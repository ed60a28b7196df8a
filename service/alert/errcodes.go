package alert

import "slices"

// forPeople are the errcodes that only a person can mend: wrong settings, the
// address that we call from, the state of the account. Others pass, are mended by
// a renewal, or are not known; those show as a credential that is not renewed. The
// sources are the pages 全局返回码 of the official account and 全局错误码 of WeCom.
var forPeople = []int{
	40013, 40125, 40243, 41004, 43003, 61024, // AppID, AppSecret, base URL, platform
	40164, 61004, 89501, 89502, 89503, 89504, 89505, 89506, 89507, // IP list
	48001, 50002, 50004, 50007, // permissions, frozen
	40056, 48002, 60020, // WeCom: agent, permission, trusted address
}

// invalidSecret is WeChat's answer to a wrong AppSecret where a token is asked
// for; to a ticket it says that the token is dead, which is no fault of ours.
const invalidSecret = 40001

// usedUp says that the day's calls are used up.
const usedUp = 45009

func isForPeople(errcode int, kind string) bool {
	return errcode == invalidSecret && kind == tokenKind || slices.Contains(forPeople, errcode)
}
