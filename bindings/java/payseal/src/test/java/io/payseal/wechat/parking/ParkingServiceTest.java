package io.payseal.wechat.parking;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.payseal.testing.EachScheme;
import io.payseal.testing.Merchant;
import io.payseal.testing.Orders;

class ParkingServiceTest {
    @EachScheme
    void aCarIsKnownAndEnters(Merchant merchant) {
        ParkingService parking = new ParkingService(merchant.client());
        String number = Orders.number();
        FindServiceResponse service = parking.findService(
                merchant.appid(), Merchant.OPENID, PlateColor.BLUE, "粤B888888", Merchant.SUB_MERCHANT);
        assertEquals("粤B888888", service.plateNumber());
        assertEquals(ServiceState.NORMAL, service.serviceState());
        CreateParkingResponse entered = parking.createParking(CreateParkingRequest.builder()
                .subMchid(Merchant.SUB_MERCHANT)
                .outParkingNo(number)
                .plateNumber("粤B888888")
                .plateColor(PlateColor.BLUE)
                .notifyUrl(Orders.NOWHERE)
                .startTime("2026-01-01T10:00:00+08:00")
                .parkingName("茶铺停车场")
                .freeDuration(1_800)
                .build());
        assertEquals(number, entered.outParkingNo());
        assertEquals(1_800, entered.freeDuration());
    }
}
