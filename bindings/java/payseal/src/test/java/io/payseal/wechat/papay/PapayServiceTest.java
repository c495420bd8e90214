package io.payseal.wechat.papay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;

class PapayServiceTest {
    @EachScheme
    void aContractIsSignedAndADeductionScheduled(Merchant merchant) {
        PapayService contracts = new PapayService(merchant.client());
        String number = Orders.number();
        ScheduledAmount monthly =
                ScheduledAmount.builder().total(3_000).currency("CNY").build();
        SignScheduledInMiniProgramRequest request = SignScheduledInMiniProgramRequest.builder()
                .appid(merchant.appid())
                .outContractCode(number)
                .planId(12535)
                .contractDisplayAccount("张三的茶")
                .contractNotifyUrl(Orders.NOWHERE)
                .deductSchedule(DeductSchedule.builder()
                        .description("每月一茶")
                        .estimatedDeductDate("2026-02-01")
                        .estimatedDeductAmount(monthly)
                        .build())
                .build();
        assertFalse(
                contracts.signScheduledInMiniProgram(request).preEntrustwebId().isEmpty());
        merchant.sandbox().sign(number);
        Contract contract = contracts.queryContract(12535, number);
        assertEquals(12535, contract.planId());
        assertEquals(number, contract.outContractCode());
        ScheduleDeductionRequest deduction = ScheduleDeductionRequest.builder()
                .appid(merchant.appid())
                .scheduleAmount(monthly)
                .build();
        Schedule scheduled = contracts.scheduleDeduction(contract.contractId(), deduction);
        assertNotNull(scheduled.scheduledAmount());
    }
}
