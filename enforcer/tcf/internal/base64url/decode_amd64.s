//go:build amd64 && !purego

#include "textflag.h"

// A character is one of the alphabet if the rows of its low nibble, rowsLow,
// and that of its high nibble, rowsHigh, have a bit in common:
//
//	bit 0  0x2_  - and .
//	bit 1  0x3_  0-9
//	bit 2  0x4_  A-O, and 0x6_  a-o
//	bit 3  0x5_  P-Z and _
//	bit 4  0x7_  p-z
//
// Shift is what to add to a character to have its value. It goes by the high
// nibble, and one more from _ on, which so does not go with its row.

DATA rowsLow<>+0(SB)/8, $0x1E1E1E1E1E1E1E1A
DATA rowsLow<>+8(SB)/8, $0x0C050504041C1E1E
GLOBL rowsLow<>(SB), RODATA|NOPTR, $16

DATA rowsHigh<>+0(SB)/8, $0x1004080402010000
DATA rowsHigh<>+8(SB)/8, $0x0000000000000000
GLOBL rowsHigh<>(SB), RODATA|NOPTR, $16

DATA shift<>+0(SB)/8, $0xB9E0BFBF04110000
DATA shift<>+8(SB)/8, $0x00000000000000B9
GLOBL shift<>(SB), RODATA|NOPTR, $16

// Three bytes of each four, the highest first; the rest zeros.
DATA order<>+0(SB)/8, $0x090A040506000102
DATA order<>+8(SB)/8, $0x808080800C0D0E08
GLOBL order<>(SB), RODATA|NOPTR, $16

DATA nibble<>+0(SB)/4, $0x0F0F0F0F
GLOBL nibble<>(SB), RODATA|NOPTR, $4

DATA caret<>+0(SB)/4, $0x5E5E5E5E
GLOBL caret<>(SB), RODATA|NOPTR, $4

DATA pairs<>+0(SB)/4, $0x01400140
GLOBL pairs<>(SB), RODATA|NOPTR, $4

DATA quads<>+0(SB)/4, $0x00011000
GLOBL quads<>(SB), RODATA|NOPTR, $4

DATA dot<>+0(SB)/4, $0x2E2E2E2E
GLOBL dot<>(SB), RODATA|NOPTR, $4

// func decodeAVX2(dst, src *byte, n int, dots *Dots) bool
TEXT ·decodeAVX2(SB), NOSPLIT, $0-33
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ dots+24(FP), R8
	MOVQ SI, R9
	XORL R10, R10 // dots found
	MOVL $-1, R11 // characters of the block that have not been decoded yet
	VPCMPEQB Y5, Y5, Y5 // will have a zero where a character was refused
	VPBROADCASTD nibble<>(SB), Y6
	VBROADCASTI128 rowsLow<>(SB), Y7
	VBROADCASTI128 rowsHigh<>(SB), Y8
	VBROADCASTI128 shift<>(SB), Y9
	VPBROADCASTD caret<>(SB), Y10
	VPBROADCASTD pairs<>(SB), Y12
	VPBROADCASTD quads<>(SB), Y13
	VBROADCASTI128 order<>(SB), Y14
	VPBROADCASTD dot<>(SB), Y15

block:
	VMOVDQU   (SI), Y0
	VPCMPEQB  Y0, Y15, Y4
	VPMOVMSKB Y4, AX
	ANDL      R11, AX
	JNZ       dots

decode:
	VPSRLD  $4, Y0, Y1
	VPAND   Y6, Y1, Y1 // high nibbles

	// Refuse what has no row in common. The shuffle goes by low nibbles, and
	// has zeros for what is not ASCII.
	VPSHUFB Y0, Y7, Y2
	VPSHUFB Y1, Y8, Y3
	VPAND   Y3, Y2, Y2
	VPMINUB Y2, Y5, Y5

	// Characters to values.
	VPCMPGTB Y10, Y0, Y3
	VPSUBB   Y3, Y1, Y1
	VPSHUFB  Y1, Y9, Y1
	VPADDB   Y1, Y0, Y0

	// Four values to 24 bits, and those together.
	VPMADDUBSW   Y12, Y0, Y0
	VPMADDWD     Y13, Y0, Y0
	VPSHUFB      Y14, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VMOVDQU      X0, (DI)
	VMOVDQU      X1, 12(DI)

	ADDQ $32, SI
	ADDQ $24, DI
	SUBQ $32, CX
	JZ   done
	CMPQ CX, $32
	JGE  block

	// Less than a block is left, in fours: step back so that it is a block,
	// and decode some characters again, but find no dot twice.
	MOVQ $32, AX
	SUBQ CX, AX
	XCHGQ AX, CX
	SHLL CX, R11
	MOVQ AX, CX
	LEAQ -32(SI)(CX*1), SI
	SHRQ $2, CX
	LEAQ (CX)(CX*2), CX
	LEAQ -24(DI)(CX*1), DI
	MOVQ $32, CX
	JMP  block

done:
	VPXOR    Y0, Y0, Y0
	VPCMPEQB Y0, Y5, Y5
	VPTEST   Y5, Y5
	SETEQ    ret+32(FP)
	VZEROUPPER
	MOVQ     R10, (R8)
	RET

dots:
	// AX has a bit for each dot of the block.
	MOVQ SI, DX
	SUBQ R9, DX

next:
	CMPQ R10, $8
	JGE  decode
	BSFL AX, BX
	ADDL DX, BX
	MOVW BX, 8(R8)(R10*2)
	INCQ R10
	LEAL -1(AX), BX
	ANDL BX, AX
	JNZ  next
	JMP  decode
